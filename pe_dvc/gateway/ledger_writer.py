"""Appending to a ledger: entries, tree and signed checkpoint in one transaction.

The row of ``ledger_state`` is locked first, so that indexes have no gaps, whichever gateway
appends. What it says is believed only as far as its checkpoint is signed by our own key: who can
write to the database cannot make a gateway sign what it did not keep.
"""

from __future__ import annotations

import secrets
from types import MappingProxyType
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from pe_dvc.gateway.kept_statements import keep_statement
from pe_dvc.gateway.leaf import encode_leaf
from pe_dvc.gateway.ledger_tables import CHECKPOINTS, ENTRIES, IMPORTED, STATE
from pe_dvc.gateway.pseudonyms import pseudonyms_of
from pe_dvc.primitives.errors import (
    FormatError,
    LedgerUnavailableError,
    SignatureError,
)
from pe_dvc.tlog.checkpoint import Checkpoint, parse_checkpoint
from pe_dvc.tlog.frontier import Frontier
from pe_dvc.tlog.merkle import leaf_hash
from pe_dvc.tlog.note import Note, parse_note

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from pe_dvc.gateway.database import Database
    from pe_dvc.gateway.ledger_entry import LedgerRead
    from pe_dvc.gateway.ledger_key import LedgerSigner

_ORIGIN = "pe-dvc-ledger/"


class LedgerWriter:
    """Appends to the ledger in ``database`` by the one key of its gateways.

    Two gateways on one database have the same key. Raises LedgerUnavailableError, and
    SignatureError if the ledger is of another key.
    """

    def __init__(self, database: Database, signer: LedgerSigner) -> None:
        self._database, self._signer = database, signer
        self._last = Checkpoint("-", 0, Frontier().root())
        with database.creating() as connection:
            if connection.execute(select(STATE.c.id)).first() is None:
                origin = _ORIGIN + secrets.token_hex(8)
                first = {"id": 1, "origin": origin, "size": 0, "frontier": b"", "note": ""}
                first["note"] = self._signed(origin, Frontier())
                connection.execute(insert(STATE), first)
            self.origin, self._last, _ = self._state(connection)

    def append(
        self,
        reads: Sequence[LedgerRead],
        *,
        records: Sequence[bytes] = (),
        statements: Mapping[int, bytes] = MappingProxyType({}),
    ) -> list[int]:
        """Keep reads as the next entries and return their indexes, once no crash can lose them.

        ``records`` are digests of what the reads were taken from, one of each. Reads whose record
        was taken before are left out. ``statements`` are what was signed, by the position of its
        entry in ``reads``; of one that was kept before the index is returned, and no entry made.
        """
        with self._database.writing() as connection:
            origin, _, tree = self._state(connection)
            reads = _new(connection, reads, records) if records else reads
            rows, indexes = list[dict[str, int | bytes]](), list[int]()
            pairs = zip(reads, pseudonyms_of(connection, reads), strict=True)
            for position, (read, names) in enumerate(pairs):
                if (statement := statements.get(position)) is not None:
                    known = keep_statement(connection, tree.size, read, statement)
                    if known is not None:
                        indexes.append(known)
                        continue
                indexes.append(tree.size)
                leaf = encode_leaf(tree.size, read, names)
                hashed = leaf_hash(leaf)
                rows.append({"idx": tree.size, "leaf": leaf, "hash": hashed})
                tree.add(hashed)
            if rows:
                connection.execute(insert(ENTRIES), rows)
                note, edge = self._signed(origin, tree), tree.to_bytes()
                connection.execute(update(STATE).values(size=tree.size, frontier=edge, note=note))
        self._last = Checkpoint(origin, tree.size, tree.root())
        return indexes

    def checkpoint(self) -> str:
        """Keep the signed checkpoint of the tree as it is beside older ones, and return it."""
        with self._database.writing() as connection:
            _, last, _ = self._state(connection)
            note: str = connection.scalars(select(STATE.c.note)).one()
            there = select(CHECKPOINTS.c.size).where(CHECKPOINTS.c.size == last.size)
            if connection.execute(there).first() is None:
                connection.execute(insert(CHECKPOINTS), {"size": last.size, "note": note})
        return note

    def _state(self, connection: Connection) -> tuple[str, Checkpoint, Frontier]:
        """Lock the state and return it, if it is one that our key signed, and no earlier one."""
        row = connection.execute(select(STATE).with_for_update()).one()
        try:
            note = parse_note(row.note.encode(), where="the ledger's checkpoint")
            note.verify(self._signer.key(row.origin))
            signed = parse_checkpoint(note.text, where="the ledger's checkpoint")
            tree = Frontier.from_bytes(row.size, bytes(row.frontier))
        except (SignatureError, FormatError) as error:
            raise self._altered(error.message) from error
        if (signed.origin, signed.size, signed.root) != (row.origin, tree.size, tree.root()):
            raise self._altered("its tree is not the one whose checkpoint was signed")
        went_back = signed.size == self._last.size and signed.root != self._last.root
        if went_back or signed.size < self._last.size:
            raise self._altered(f"it had {self._last.size} entries, and now others or fewer")
        return row.origin, signed, tree

    def _altered(self, reason: str) -> LedgerUnavailableError:
        return LedgerUnavailableError(
            f"it was altered, or is of another gateway's key: {reason}. See `pe-dvc audit verify`",
            where=self._database.where,
        )

    def _signed(self, origin: str, tree: Frontier) -> str:
        note = Note(str(Checkpoint(origin, tree.size, tree.root())))
        return str(note.signed_by(self._signer.key(origin), self._signer.sign))


def _new(
    connection: Connection, reads: Sequence[LedgerRead], records: Sequence[bytes]
) -> list[LedgerRead]:
    """Return the reads whose record is new, and note their records."""
    by_record = dict(zip(records, reads, strict=True))
    there = select(IMPORTED.c.record).where(IMPORTED.c.record.in_(list(by_record)))
    for known in connection.scalars(there):
        del by_record[bytes(known)]
    if by_record:
        connection.execute(insert(IMPORTED), [{"record": record} for record in by_record])
    return list(by_record.values())
