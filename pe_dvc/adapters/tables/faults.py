"""What is wrong with a table, said as a country's rule allows.

Every sentence about values, and every text of a library that saw values, is made here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pe_dvc.documents.disclosure import Disclosure, Finding
from pe_dvc.primitives.errors import FormatError, PeDvcError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pe_dvc.documents.disclosure import Count, Repeated

Result = TypeVar("Result")


def not_unique(
    found: Repeated, key: str, *, label: str, where: str, remedy: str, rule: Disclosure
) -> FormatError:
    """Return the error of a key that occurs more than once."""
    counts = (found.keys, " in ", found.rows)
    finding = Finding(
        public=(found.example, " occurs more than once (", *counts, ")"),
        counts=("a key occurs more than once: ", *counts),
    )
    return FormatError(
        f"the key {key!r} is not unique in {label}: {rule.say(finding)}", where=where, remedy=remedy
    )


def null_key(
    nulls: Count, key: str, *, label: str, where: str, remedy: str, rule: Disclosure
) -> FormatError:
    """Return the error of a key that is missing in some rows."""
    said = rule.say(Finding(public=(nulls,), counts=(nulls,)))
    return FormatError(f"the key {key!r} of {label} is null in {said}", where=where, remedy=remedy)


USED = (
    "Look at the columns that dvc.yaml names as keys, references, weight and totals: these are "
    "whole numbers or text, and numbers."
)
"""What to do about values that pe_dvc computes with."""


def shielded(
    ask: Callable[[], Result], *, label: str, rule: Disclosure, remedy: str = USED
) -> Result:
    """Return what ``ask`` returns that looks at values of the file ``label``.

    What a library raises of them becomes a FormatError. Of a gated country it is raised apart from
    that: no traceback leads from one to the other.
    """
    fault: PeDvcError
    cause: Exception | None = None
    try:
        return ask()
    except PeDvcError as error:
        fault = error
    except Exception as error:  # noqa: BLE001 - whatever it is, it may hold a value
        cause = error
        fault = FormatError(
            f"its values cannot be used: {rule.reason(error)}",
            where=label,
            remedy=remedy,
        )
    fault.__context__ = None
    raise fault from (None if rule.is_gated else cause)
