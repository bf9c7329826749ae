"""What a mirror says of itself, in ``us/mirror.json``: its name, and what it holds of the payloads.

It is not signed, and decides nothing: it tells a reader why something is not there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.primitives.printable import brief, printable

if TYPE_CHECKING:
    from pe_dvc.documents.mirrors import Selection

NOTE_LIMIT = 16_384
"""Most bytes of a note."""


@dataclass(frozen=True, kw_only=True)
class MirrorNote:
    """``holds`` says in words what is held; ``is_everything`` that nothing is left out."""

    name: str
    holds: str
    is_everything: bool

    @classmethod
    def of(cls, name: str, selection: Selection) -> Self:
        """Return the note of a mirror with a selection."""
        return cls(name=name, holds=selection.to_text(), is_everything=selection.is_everything)

    def to_bytes(self) -> bytes:
        """Return the note as JSON."""
        values = {"mirror": self.name, "holds": self.holds, "everything": self.is_everything}
        return json.dumps(values, indent=2, sort_keys=True).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes, *, where: str) -> Self:
        """Read a note, which anyone who can write to the mirror may have written.

        Raises FormatError.
        """
        found = read_json(data, what="a mirror's note", where=where)
        name, holds = found.get("mirror"), found.get("holds")
        if not isinstance(name, str) or not isinstance(holds, str):
            raise FormatError("is not a mirror's note", where=where)
        everything = found.get("everything") is True
        return cls(
            name=brief(printable(name)), holds=brief(printable(holds)), is_everything=everything
        )
