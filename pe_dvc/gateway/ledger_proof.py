"""A proof that an entry is in a ledger, for who has neither the ledger nor its database.

It is C2SP's tlog-proof (https://c2sp.org/tlog-proof), with the entry itself as its extra data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from pe_dvc.gateway.ledger_tables import ENTRIES, STATE
from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.tlog.checkpoint import parse_checkpoint
from pe_dvc.tlog.frontier import Frontier
from pe_dvc.tlog.merkle import inclusion_proof
from pe_dvc.tlog.note import parse_note
from pe_dvc.tlog.proof import TlogProof

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pe_dvc.gateway.database import Database


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
            raise NotFoundError(f"the ledger has {size} entries, and none is number {index}")
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
