"""The note that a dataset was nominated although a gate failed: signed beside its pointer.

It gives counts, never values. Notes of earlier versions of pe_dvc named the values at fault; they
are read, recognised, and never signed again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OVERRIDE = "override"
"""The name of the note among a pointer's."""
_SAYS = {"says": "counts"}
_NO_VALUES = ("columns", "rows", "totals")
"""Gates whose failures never named a value of a row."""
_NAMED_VALUES = ("keys", "references", "weights")


def override_note(reason: str, failed: Sequence[str]) -> dict[str, Any]:
    """Return the note; ``failed`` are sentences by the rule for what is signed."""
    return {"reason": reason, "failed": list(failed), **_SAYS}


def reason_of(notes: Mapping[str, Any]) -> str | None:
    """Return the reason that stands among a pointer's notes, None if no gate failed."""
    note = notes.get(OVERRIDE)
    return str(note.get("reason")) if isinstance(note, dict) else None


def may_hold_values(notes: Mapping[str, Any]) -> bool:
    """Tell whether a pointer's notes may name values of rows, as earlier versions wrote them."""
    note = notes.get(OVERRIDE)
    if not isinstance(note, dict) or note.get("says") == "counts":
        return False
    failed = note.get("failed", [])
    return not isinstance(failed, list) or any(_gate(text) not in _NO_VALUES for text in failed)


def without_values(notes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pointer's notes, with only the gates' names in the place of such values."""
    if not may_hold_values(notes):
        return dict(notes)
    note = notes[OVERRIDE]
    failed = note["failed"] if isinstance(note.get("failed"), list) else []
    texts = [text if _gate(text) in _NO_VALUES else f"gate {_gate(text)}" for text in failed]
    return {**notes, OVERRIDE: override_note(str(note.get("reason", "")), texts)}


def _gate(text: object) -> str:
    """Return which gate a failure of an earlier version is of."""
    _, found, rest = str(text).partition(": gate ")
    name = rest.split(" ")[0].rstrip(":") if found else ""
    return name if name in (*_NO_VALUES, *_NAMED_VALUES) else "of another package"
