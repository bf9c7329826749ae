"""The tables of a ledger, the same in SQLite and in PostgreSQL.

What a reader of the database may not change without being found out is ``entries``: its leaves
are hashed into a tree, whose signed checkpoint is in ``state``, with the older ones in
``checkpoints``. ``people`` and ``aliases`` may be erased (ADR 0037).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

METADATA = MetaData()

STATE = Table(
    "ledger_state",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("origin", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
)
"""One row: the tree as it is, and its signed checkpoint. Who appends holds its lock."""

ENTRIES = Table(
    "ledger_entries",
    METADATA,
    Column("idx", BigInteger, primary_key=True, autoincrement=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

CHECKPOINTS = Table(
    "ledger_checkpoints",
    METADATA,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
)

PEOPLE = Table(
    "ledger_people",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("secret", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
"""The key of each person's pseudonyms: without it, nothing leads from a name to a pseudonym."""

ALIASES = Table(
    "ledger_aliases",
    METADATA,
    Column("pseudonym", Text, primary_key=True),
    Column("person", Integer, ForeignKey(PEOPLE.c.id), nullable=False, index=True),
    Column("value", Text, nullable=False),
)
"""What a pseudonym stands for."""

STATEMENTS = Table(
    "ledger_statements",
    METADATA,
    Column("idx", BigInteger, primary_key=True, autoincrement=False),
    Column("sha256", Text, nullable=False, unique=True),
    Column("person", Integer, ForeignKey(PEOPLE.c.id), nullable=False, index=True),
    Column("data", LargeBinary, nullable=False),
)
"""What people signed, by the entry that has its sha256. It has their name, and may be erased."""

IMPORTED = Table(
    "ledger_imported",
    METADATA,
    Column("record", LargeBinary, primary_key=True),
)
"""Digests of the records of other logs that are entries already."""
