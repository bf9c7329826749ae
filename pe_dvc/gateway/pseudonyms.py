"""Pseudonyms of people, their addresses and their tokens, which can be erased.

A pseudonym is an HMAC under a key that is the person's own, made when they are first seen. When
that key and what it maps to are gone, no list of all names leads to the pseudonyms (ADR 0037).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

from sqlalchemy import delete, inspect, select

from pe_dvc.gateway.leaf import PERSONAL
from pe_dvc.gateway.ledger_tables import ALIASES, PEOPLE, STATEMENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Table

    from pe_dvc.gateway.ledger_entry import LedgerRead

_KEY_BYTES, _DIGITS = 32, 32
_AT_ONCE = 500
"""Values that one statement asks for."""


def pseudonym(secret: bytes, kind: str, value: str) -> str:
    """Return what stands for a value of a person, of ``kind`` one of PERSONAL."""
    return hmac.digest(secret, f"{kind}\0{value}".encode(), hashlib.sha256).hex()[:_DIGITS]


def pseudonyms_of(
    connection: Connection, reads: Sequence[LedgerRead]
) -> list[dict[str, str | None]]:
    """Return the pseudonyms in each read, by field, and keep those that are new."""
    people = _people(connection, {read.person for read in reads})
    found, values = [], dict[str, tuple[int, str]]()
    for read in reads:
        number, secret = people[read.person]
        names: dict[str, str | None] = {}
        for kind in PERSONAL:
            value = getattr(read, kind)
            names[kind] = pseudonym(secret, kind, value) if value is not None else None
            if (name := names[kind]) is not None:
                values[name] = number, value
        found.append(names)
    known = set(_known(connection, ALIASES, "pseudonym", values))
    rows = [
        {"pseudonym": name, "person": number, "value": value}
        for name, (number, value) in values.items()
        if name not in known
    ]
    if rows:
        connection.execute(ALIASES.insert(), rows)
    return found


def _people(connection: Connection, names: set[str]) -> dict[str, tuple[int, bytes]]:
    known = _known(connection, PEOPLE, "name", names)
    new = [
        {"name": name, "secret": secrets.token_bytes(_KEY_BYTES)} for name in sorted(names - known)
    ]
    if new:
        connection.execute(PEOPLE.insert(), new)
    return {
        row.name: (row.id, bytes(row.secret))
        for some in _some(names)
        for row in connection.execute(select(PEOPLE).where(PEOPLE.c.name.in_(some)))
    }


def _known(connection: Connection, table: Table, column: str, values: Iterable[str]) -> set[str]:
    there = table.c[column]
    return {
        found
        for some in _some(values)
        for found in connection.scalars(select(there).where(there.in_(some)))
    }


def _some(values: Iterable[str]) -> Iterable[list[str]]:
    ordered = sorted(values)
    return (ordered[at : at + _AT_ONCE] for at in range(0, len(ordered), _AT_ONCE))


def names_of(connection: Connection, pseudonyms: Iterable[str]) -> dict[str, str]:
    """Return what pseudonyms stand for, without those that were erased."""
    return {
        row.pseudonym: row.value
        for some in _some(set(pseudonyms))
        for row in connection.execute(
            select(ALIASES.c.pseudonym, ALIASES.c.value).where(ALIASES.c.pseudonym.in_(some))
        )
    }


def pseudonym_of(connection: Connection, person: str) -> str | None:
    """Return the pseudonym of a person, None for one who is not known, or erased."""
    secret = connection.scalar(select(PEOPLE.c.secret).where(PEOPLE.c.name == person))
    return None if secret is None else pseudonym(bytes(secret), "person", person)


def forget(connection: Connection, person: str) -> int:
    """Erase a person's key, name, addresses, tokens and statements.

    Returns how many values that were, without the statements.
    """
    number = connection.scalar(select(PEOPLE.c.id).where(PEOPLE.c.name == person))
    if number is None:
        return 0
    if inspect(connection).has_table(STATEMENTS.name):  # no newer gateway has opened it, else
        connection.execute(delete(STATEMENTS).where(STATEMENTS.c.person == number))
    gone = connection.execute(delete(ALIASES).where(ALIASES.c.person == number)).rowcount
    connection.execute(delete(PEOPLE).where(PEOPLE.c.id == number))
    return gone
