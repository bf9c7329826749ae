"""What is sent to a witness, and what it answers: C2SP tlog-witness, ``add-checkpoint``.

https://c2sp.org/tlog-witness. A log sends its checkpoint, and the proof that its tree begins with
the one that the witness signed last; the witness answers with its cosignatures.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, VerificationError
from pe_dvc.tlog.checkpoint import Checkpoint, parse_checkpoint, read_number
from pe_dvc.tlog.merkle import EMPTY_ROOT, HASH_BYTES, verify_consistency
from pe_dvc.tlog.note import (
    MOST_SIGNATURES,
    Note,
    Signature,
    base64_of,
    from_base64,
    parse_note,
    parse_signature,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZE_TYPE = "text/x.tlog.size"
"""The media type of an answer that is a size: that of the tree which the witness signed last."""

REQUEST_LIMIT, ANSWER_LIMIT = 64 * 1024, 64 * 1024
"""Bytes of the longest request, and of the longest answer, that is read."""

_OLD = "old "
_MOST_HASHES = 63


@dataclass(frozen=True)
class AddCheckpoint:
    """A checkpoint's note, and what proves it consistent with the tree of ``old`` entries.

    Nothing of it is verified yet.
    """

    old: int
    hashes: tuple[bytes, ...]
    note: Note

    @cached_property
    def checkpoint(self) -> Checkpoint:
        """What the note says. Raises FormatError for a note that is no checkpoint."""
        return parse_checkpoint(self.note.text, where="the checkpoint")

    def __str__(self) -> str:
        hashes = "".join(f"{base64_of(one)}\n" for one in self.hashes)
        return f"{_OLD}{self.old}\n{hashes}\n{self.note}"


def parse_add_checkpoint(data: bytes, *, where: str) -> AddCheckpoint:
    """Read the body of a request. Raises FormatError."""
    if len(data) > REQUEST_LIMIT:
        raise FormatError(f"it is longer than {REQUEST_LIMIT} bytes", where=where)
    head, blank, note = data.partition(b"\n\n")
    try:
        first, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise FormatError("it does not begin with the size that is known", where=where) from error
    if not blank or not first.startswith(_OLD):
        raise FormatError(
            "it does not begin with 'old SIZE', a proof, and an empty line", where=where
        )
    hashes = tuple(from_base64(line, where=where) for line in lines)
    if len(hashes) > _MOST_HASHES or any(len(one) != HASH_BYTES for one in hashes):
        raise FormatError("the hashes of its proof are too many, or are none", where=where)
    old = read_number(first.removeprefix(_OLD), where=where)
    found = AddCheckpoint(old, hashes, parse_note(note, where=where))
    _ = found.checkpoint  # is one
    return found


def check_growth(known: Checkpoint | None, found: Checkpoint, hashes: Sequence[bytes]) -> None:
    """Raise VerificationError unless ``found`` begins with all that ``known`` has.

    None stands for a log of which nothing is known, as does an empty tree: any tree begins so, and
    the proof is empty.
    """
    if found.size == 0 and found.root != EMPTY_ROOT:
        raise VerificationError("a tree without entries has another root")
    if known is None or known.size == 0:
        if hashes:
            raise VerificationError("there is nothing to prove of a log that is new")
        return
    verify_consistency(known.size, found.size, hashes, known.root, found.root)


def parse_cosignatures(data: bytes, *, where: str) -> list[Signature]:
    """Read the answer of a witness: signature lines, of which none is verified yet.

    Raises FormatError.
    """
    try:
        *lines, rest = data.decode().split("\n")
    except UnicodeDecodeError as error:
        raise FormatError("it is not an answer of a witness", where=where) from error
    if rest or not 0 < len(lines) <= MOST_SIGNATURES or len(data) > ANSWER_LIMIT:
        raise FormatError("it is not an answer of a witness: lines of signatures", where=where)
    return [parse_signature(line, where=where) for line in lines]


def read_checkpoint(data: bytes, *, where: str) -> tuple[Note, Checkpoint]:
    """Read a checkpoint with its signatures, none verified yet. Raises FormatError."""
    note = parse_note(data, where=where)
    return note, parse_checkpoint(note.text, where=where)
