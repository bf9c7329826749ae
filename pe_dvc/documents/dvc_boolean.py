"""Yes and no in the options of a DVC remote: DVC's ``true`` and ``false``, and the words beside."""

from __future__ import annotations

TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0"})


def is_true(value: str | None) -> bool:
    """Tell whether an option, None where it is not set, says yes; in any case of letters."""
    return (value or "").lower() in TRUE
