"""A proof that an entry is in a log, to be verified without the log.

C2SP tlog-proof (https://c2sp.org/tlog-proof): the entry's index, its inclusion proof, and the
checkpoint with its signatures and cosignatures.
"""

from __future__ import annotations

from dataclasses import dataclass

from pe_dvc.primitives.errors import FormatError, VerificationError
from pe_dvc.tlog.checkpoint import Checkpoint, parse_checkpoint, read_number
from pe_dvc.tlog.merkle import HASH_BYTES, verify_inclusion
from pe_dvc.tlog.note import Note, VerifierKey, base64_of, from_base64, parse_note

_HEADER, _EXTRA, _INDEX = "c2sp.org/tlog-proof@v1", "extra ", "index "
_MOST_HASHES = 63


@dataclass(frozen=True)
class TlogProof:
    """That entry ``index`` is in the log that ``note`` is a checkpoint of. Not verified yet.

    ``extra`` is no part of what is proved.
    """

    index: int
    hashes: tuple[bytes, ...]
    note: Note
    extra: bytes | None = None

    def __str__(self) -> str:
        extra = [] if self.extra is None else [f"{_EXTRA}{base64_of(self.extra)}"]
        hashes = [base64_of(one) for one in self.hashes]
        return "\n".join([_HEADER, *extra, f"{_INDEX}{self.index}", *hashes, "", str(self.note)])

    def verify(self, leaf: bytes, key: VerifierKey, *, origin: str) -> Checkpoint:
        """Return the checkpoint, signed by ``key``, in which ``leaf`` is the entry's hash.

        Cosignatures are for the caller to ask for (``cosignature.verify_cosignature``). Raises
        SignatureError; VerificationError for another log's proof, or another entry's.
        """
        self.note.verify(key)
        found = parse_checkpoint(self.note.text, where="the checkpoint of the proof")
        if found.origin != origin:
            raise VerificationError(f"the proof is of the log {found.origin}, not of {origin}")
        verify_inclusion(self.index, found.size, leaf, self.hashes, found.root)
        return found


def parse_proof(data: bytes, *, where: str) -> TlogProof:
    """Read a proof. Raises FormatError."""
    head, blank, note = data.partition(b"\n\n")
    try:
        header, *lines = head.decode().split("\n")
    except UnicodeDecodeError as error:
        raise FormatError("it is not a proof: it is not UTF-8", where=where) from error
    extra = None
    if lines and lines[0].startswith(_EXTRA):
        extra = from_base64(lines.pop(0).removeprefix(_EXTRA), where=where)
    if header != _HEADER or not blank or not lines or not lines[0].startswith(_INDEX):
        raise FormatError(f"it is not a proof: it does not begin as {_HEADER} does", where=where)
    index, *hashes = lines
    found = tuple(from_base64(line, where=where) for line in hashes)
    if len(found) > _MOST_HASHES or any(len(one) != HASH_BYTES for one in found):
        raise FormatError("it is not a proof: its hashes are too many or too long", where=where)
    number = read_number(index.removeprefix(_INDEX), where=where)
    return TlogProof(number, found, parse_note(note, where=where), extra)
