"""Notes that are signed beside a pointer: that it is held, or that a channel went back to it.

Readers need none of them. What is not of the expected form says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from pe_dvc.documents.override import OVERRIDE
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

TOTALS = "totals"
"""The totals that gates measured and that may be signed, as decimal text: signed metadata holds no
floating point."""

HOLD, ROLLBACK = "hold", "rollback"

LONGEST_REASON = 1000
"""Characters."""


class Noted(Protocol):
    """What has notes: a pointer."""

    @property
    def notes(self) -> Mapping[str, Any]:
        """What is signed beside it."""
        ...


def remarks_of(pointer: Noted) -> list[str]:
    """Return what is signed beside a pointer, in sentences."""
    notes = (
        ("held:", hold_of(pointer)),
        ("went back to", rollback_of(pointer)),
        ("nominated although a gate failed:", override_of(pointer)),
    )
    return [f"{what} {said}" for what, said in notes if said]


def hold_note(reason: str, by: str) -> dict[str, Any]:
    """Return the note of a dataset that new builds may not move. Raises FormatError."""
    return {HOLD: {"reason": check_reason(reason, "a hold"), "by": by}}


def rollback_note(*, left: str | None, to: str, reason: str, by: str) -> dict[str, Any]:
    """Return the note of a dataset that went back ``to`` an earlier version of it.

    ``left`` is the sha256 of the artifact that it went back from, None if the channel did not have
    the dataset. Raises FormatError.
    """
    note = {"to": to, "reason": check_reason(reason, "a rollback"), "by": by}
    return {ROLLBACK: {"from": f"sha256:{left}", **note} if left else note}


def check_reason(reason: str, what: str) -> str:
    """Return the reason of ``what``, or raise FormatError for one that says nothing."""
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise FormatError(
            f"{what} needs a reason of 1 to {LONGEST_REASON} characters",
            remedy="Give the reason with --reason, for those who read it later.",
        )
    return reason.strip()


def hold_of(pointer: Noted) -> str | None:
    """Return why a dataset is held and by whom, None if it is not."""
    note = _note(pointer, HOLD)
    return f"{note.get('reason')} ({note.get('by')})" if note is not None else None


def rollback_of(pointer: Noted) -> str | None:
    """Return where a dataset went back to, why and by whom; None if it did not."""
    note = _note(pointer, ROLLBACK)
    if note is None:
        return None
    return f"{note.get('to')}: {note.get('reason')} ({note.get('by')})"


def override_of(pointer: Noted) -> str | None:
    """Return why a dataset was nominated although a gate failed, None if none did."""
    note = _note(pointer, OVERRIDE)
    return str(note.get("reason")) if note is not None else None


def left_by(pointer: Noted) -> str | None:
    """Return the sha256 of the artifact that a dataset went back from, None if it did not."""
    note = _note(pointer, ROLLBACK) or {}
    left = note.get("from")
    return left.removeprefix("sha256:") if isinstance(left, str) else None


def _note(pointer: Noted, key: str) -> Mapping[str, Any] | None:
    note = pointer.notes.get(key)
    return note if isinstance(note, dict) else None
