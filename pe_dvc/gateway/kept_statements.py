"""What people signed, kept beside the entries that have its sha256. ADR 0041."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, inspect, select

from pe_dvc.documents.destruction import parse_destruction
from pe_dvc.documents.statement_bundle import read_statements
from pe_dvc.gateway.leaf import decode_leaf
from pe_dvc.gateway.ledger_entry import STATEMENT
from pe_dvc.gateway.ledger_tables import ENTRIES, PEOPLE, STATEMENTS
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError, SignatureError
from pe_dvc.trust.person_key import check_signed_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from pe_dvc.gateway.ledger_entry import LedgerRead


def keep_statement(connection: Connection, index: int, read: LedgerRead, data: bytes) -> int | None:
    """Keep what was signed for the entry ``index`` to come; return that of one kept before."""
    digest = sha256_bytes(data)
    there = select(STATEMENTS.c.idx).where(STATEMENTS.c.sha256 == digest)
    known: int | None = connection.scalar(there)
    if known is None:
        number = connection.scalars(select(PEOPLE.c.id).where(PEOPLE.c.name == read.person)).one()
        row = {"idx": index, "sha256": digest, "person": number, "data": data}
        connection.execute(insert(STATEMENTS), row)
    return known


def has_statements(connection: Connection) -> bool:
    """Tell whether the ledger has the table: one that no newer gateway has opened has not."""
    return inspect(connection).has_table(STATEMENTS.name)


def edited_statements(connection: Connection) -> Iterator[str]:
    """Yield what is wrong with what people signed: what was erased is not."""
    if not has_statements(connection):
        return
    joined = select(STATEMENTS, ENTRIES.c.leaf).join_from(
        STATEMENTS, ENTRIES, STATEMENTS.c.idx == ENTRIES.c.idx, isouter=True
    )
    for row in connection.execute(joined.order_by(STATEMENTS.c.idx)):
        where = f"the statement of entry {row.idx}"
        try:
            read = None if row.leaf is None else decode_leaf(bytes(row.leaf), where=where).read
            digest = sha256_bytes(bytes(row.data))
            if read is None or read.how != STATEMENT or not digest == read.sha256 == row.sha256:
                yield f"{where} is not the one whose digest is in the ledger"
                continue
            signed = read_statements(bytes(row.data), where=where)[0]
            check_signed_by(signed, parse_destruction(signed.payload, where=where).key, where=where)
        except (FormatError, SignatureError) as error:
            yield error.message
