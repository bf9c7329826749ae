"""A proof that an entry is in a ledger, for who has neither the ledger nor its database.

It is C2SP's tlog-proof (https://c2sp.org/tlog-proof), with the entry itself as its extra data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from pe_dvc.gateway.leaf import decode_leaf
from pe_dvc.gateway.ledger_tables import ENTRIES, STATE
from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.primitives.result import Result, field_values
from pe_dvc.tlog.checkpoint import parse_checkpoint
from pe_dvc.tlog.frontier import Frontier
from pe_dvc.tlog.merkle import inclusion_proof, leaf_hash
from pe_dvc.tlog.note import VerifierKey, parse_note
from pe_dvc.tlog.proof import TlogProof, parse_proof

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pe_dvc.gateway.database import Database
    from pe_dvc.gateway.ledger_entry import LedgerRead

MOST_BYTES = 2 * 1024 * 1024
"""Of the file of a proof: of an entry of the largest size, with all signatures that a note has."""


@dataclass(frozen=True)
class ProvedEntry(Result):
    """An entry that was proved to be number ``index`` of the log ``origin`` with ``size`` entries.

    In ``read`` person, address and token are pseudonyms: names are nowhere but in the database.
    ``checkpoint`` is the signed one that the proof is by, ``key`` the public key as text.
    """

    origin: str
    index: int
    size: int
    read: LedgerRead
    checkpoint: str
    key: str

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {**super().to_json(), "read": field_values(self.read)}


def proved_entry(data: bytes, public: bytes, origin: str, *, where: str) -> ProvedEntry:
    """Return the entry in the bytes of a proof, by the gateway's key ``public``.

    ``origin`` is the log's name, empty where it is not known: then the proof says it. Raises
    SignatureError, VerificationError, and FormatError for what is no proof of an entry.
    """
    proof = parse_proof(data, where=where)
    if proof.extra is None:
        raise FormatError("the proof does not say of which entry it is", where=where)
    origin = origin or parse_checkpoint(proof.note.text, where=where).origin
    key = VerifierKey(origin, public)
    found = proof.verify(leaf_hash(proof.extra), key, origin=origin)
    leaf = decode_leaf(proof.extra, where=where)
    if leaf.index != proof.index:
        raise VerificationError(
            f"{where}: it is the proof of entry {proof.index}, and the entry says {leaf.index}"
        )
    return ProvedEntry(
        origin=origin,
        index=leaf.index,
        size=found.size,
        read=leaf.read,
        checkpoint=str(proof.note),
        key=str(key),
    )


def prove_entry(database: Database, index: int) -> TlogProof:
    """Return the proof that entry ``index`` is in the ledger as it is, by its newest checkpoint.

    All hashes are read once, and no more of them kept than the proof needs: some 20 of a million
    entries. Raises NotFoundError for an entry that is not there. Nothing is verified here: a proof
    from a ledger that was altered does not verify.
    """
    with database.reading() as connection:
        note = parse_note(
            connection.scalars(select(STATE.c.note)).one().encode(), where="the checkpoint"
        )
        size = parse_checkpoint(note.text, where="the checkpoint").size
        leaf = connection.scalar(select(ENTRIES.c.leaf).where(ENTRIES.c.idx == index))
        if leaf is None or not 0 <= index < size:
            raise NotFoundError(
                f"the ledger has {size} entries, counted from 0, and none is number {index}",
                remedy="`pe-dvc audit report` begins each line with the entry's number.",
            )
        subtrees = _Subtrees()
        inclusion_proof(index, size, subtrees.want)
        subtrees.read(connection, size)
        hashes = inclusion_proof(index, size, subtrees.root)
    return TlogProof(index, tuple(hashes), note, bytes(leaf))


class _Subtrees:
    """The complete subtrees that a proof needs, each by its level and its index there."""

    def __init__(self) -> None:
        self._wanted: dict[tuple[int, int], Frontier] = {}

    def want(self, level: int, index: int) -> bytes:
        """Note that a subtree is needed; what is returned stands for its root."""
        self._wanted[level, index] = Frontier()
        return bytes(32)

    def root(self, level: int, index: int) -> bytes:
        """Return the root of a subtree that was read."""
        return self._wanted[level, index].root()

    def read(self, connection: Connection, size: int) -> None:
        """Read the hashes of all entries into the subtrees, which have none in common."""
        trees = {(index + 1) << level: tree for (level, index), tree in self._wanted.items()}
        begins = {index << level for level, index in self._wanted}
        query = select(ENTRIES.c.idx, ENTRIES.c.hash).where(ENTRIES.c.idx < size)
        waiting, is_inside = iter(sorted(trees)), False
        end = next(waiting, 0)
        for row in connection.execute(query.order_by(ENTRIES.c.idx)):
            is_inside = is_inside or row.idx in begins
            if is_inside:
                trees[end].add(bytes(row.hash))
            if row.idx + 1 == end:
                is_inside = False
                end = next(waiting, 0)
