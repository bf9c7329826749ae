"""What is wrong with rows beside the signed entries: names that were edited, values of other types.

Pseudonyms are signed, and each is an HMAC of its value: so no other value, and no other key of a
person, goes with it. What was erased is not there, and is not a fault (ADR 0037).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Integer,
    LargeBinary,
    inspect,
    literal_column,
    or_,
    select,
)
from sqlalchemy.sql import func

from pe_dvc.gateway.leaf import PERSONAL
from pe_dvc.gateway.ledger_tables import ALIASES, ENTRIES, METADATA, PEOPLE
from pe_dvc.gateway.pseudonyms import pseudonym

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection


def other_types(connection: Connection, most: int) -> list[str]:
    """Return what rows have a value of another type than their column.

    SQLite keeps any value in any column: ``UPDATE … SET leaf = replace(leaf, …)`` leaves text.
    """
    if connection.dialect.name != "sqlite":
        return []
    found: list[str] = []
    there = set(inspect(connection).get_table_names())
    for table in (one for one in METADATA.sorted_tables if one.name in there):
        wrong = or_(*(func.typeof(column) != _stored(column.type) for column in table.columns))
        rowid = literal_column("rowid", Integer)
        which, what = (table.c.idx, "entry") if table is ENTRIES else (rowid, "row")
        rows = select(which.label("number")).select_from(table).where(wrong)
        found += [
            f"{what} {row.number} of {table.name} was edited: a value in it is of another type"
            for row in connection.execute(rows.limit(most - len(found)))
        ]
    return found


def _stored(kind: object) -> str:
    if isinstance(kind, LargeBinary):
        return "blob"
    return "integer" if isinstance(kind, Integer | BigInteger) else "text"


def edited_names(connection: Connection) -> Iterator[str]:
    """Yield what is wrong with the names, addresses and tokens behind pseudonyms."""
    # One statement: people who come in the meantime are in it with their pseudonyms, or not at all.
    joined = select(PEOPLE, ALIASES.c.pseudonym, ALIASES.c.value).join_from(
        PEOPLE, ALIASES, PEOPLE.c.id == ALIASES.c.person, isouter=True
    )
    last, named = None, True
    for row in connection.execute(joined.order_by(PEOPLE.c.id)):
        if row.id != last:
            if not named:
                yield _without_name(last)
            last, named = row.id, False
        if row.pseudonym is None:
            continue
        secret = bytes(row.secret)
        fits = [kind for kind in PERSONAL if pseudonym(secret, kind, row.value) == row.pseudonym]
        if not fits:
            yield (
                f"what the pseudonym {row.pseudonym} stands for was edited: another name, address "
                "or token, or another person's key"
            )
        named = named or (row.value == row.name and "person" in fits)
    if not named:
        yield _without_name(last)
    alone = select(ALIASES.c.pseudonym).where(ALIASES.c.person.not_in(select(PEOPLE.c.id)))
    for name in connection.scalars(alone):
        yield f"the pseudonym {name} is of no person: the row of ledger_people was removed"


def _without_name(number: int | None) -> str:
    return f"person {number} of ledger_people was edited: no pseudonym stands for that name"
