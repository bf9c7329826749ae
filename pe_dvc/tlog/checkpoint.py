"""Checkpoints: what a log's tree is at one size, as the text of a signed note.

C2SP tlog-checkpoint (https://c2sp.org/tlog-checkpoint).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pe_dvc.primitives.errors import FormatError
from pe_dvc.tlog.merkle import HASH_BYTES
from pe_dvc.tlog.note import base64_of, from_base64

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Checkpoint:
    """Which log, how many entries it has, and the root of the tree over them."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.root) != HASH_BYTES:
            raise FormatError(f"a tree of {self.size} entries has a root of {HASH_BYTES} bytes")
        if any(not line or "\n" in line for line in (self.origin, *self.extensions)):
            raise FormatError("lines of a checkpoint are not empty, and are one line each")

    def __str__(self) -> str:
        lines = (self.origin, str(self.size), base64_of(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def parse_checkpoint(text: str, *, where: str) -> Checkpoint:
    """Read the text of a note as a checkpoint. Raises FormatError."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() or not all(lines):
        raise FormatError("it is not a checkpoint: origin, size and root, a line each", where=where)
    origin, size, root, *extensions = lines
    return Checkpoint(
        origin, read_number(size, where=where), from_base64(root, where=where), tuple(extensions)
    )


def read_number(text: str, *, where: str) -> int:
    """Read a size or an index: decimal, without leading zeroes. Raises FormatError."""
    if not _SIZE.fullmatch(text) or int(text) >= 2**63:
        raise FormatError(f"{text[:100]!r} is not a number of entries", where=where)
    return int(text)
