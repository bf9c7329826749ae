"""How the periods of PolicyEngine's files are written: years, months, days and ETERNITY."""

from __future__ import annotations

import re

PERIOD_NAMES = ("time_period", "_time_period")
"""What the file's own period is called in it."""

_PERIOD = re.compile(
    r"[_y]?\d{4}(?:-\d{2}(?:-\d{2})?)?|ETERNITY|eternity"
    r"|(?:year|month|week|weekday|day):\d{4}[0-9A-Z:-]{0,24}"
)
_YEAR_FIRST = re.compile(r"[_y]?\d{4}")


def is_period(text: str) -> bool:
    """Tell whether a text is a period such as ``2024``, ``2024-01``, ``ETERNITY``.

    ``_2024`` and ``y2024`` are, too: PyTables warns of names that begin with a digit.
    """
    return _PERIOD.fullmatch(text) is not None


def period_of(text: str) -> str:
    """Return a period as it is written elsewhere: ``2024`` for ``_2024``."""
    return text[1:] if text[:1] in ("_", "y") and text[1:2].isdigit() else text


def split_period(path: str) -> tuple[str, str | None]:
    """Return the table or variable that a path such as ``person/2025`` names, and its period.

    ``2025/person`` and ``y2025/person`` are the same. The period is None for any other path.
    """
    before, _, last = path.rpartition("/")
    if before and is_period(last):
        return before, period_of(last)
    first, _, rest = path.partition("/")
    if rest and _YEAR_FIRST.fullmatch(first):
        return rest, period_of(first)
    return path, None
