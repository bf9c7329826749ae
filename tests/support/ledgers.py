"""Ledgers of reads in real databases, and a hand that edits them by SQL."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.gateway.database import Database
from pe_dvc.gateway.ledger_key import LedgerSigner
from pe_dvc.gateway.sql_ledger import SqlLedger
from pe_dvc.gateway.verify_ledger import LedgerVerdict, verify_ledger

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pe_dvc.gateway.ledger import Ledger
    from pe_dvc.gateway.ledger_entry import LedgerRead


@dataclass(frozen=True)
class Bench:
    """Where a ledger is, and the key of its gateway."""

    place: str
    signer: LedgerSigner

    def open(self) -> SqlLedger:
        return SqlLedger(self.place, self.signer)

    def fill(self, reads: Sequence[LedgerRead], *, checkpoint_every: int = 1000) -> None:
        with self.open() as ledger:
            for number, read in enumerate(reads, 1):
                append_now(ledger, read)
                if number % checkpoint_every == 0:
                    ledger.checkpoint()

    def verify(self, *, kept: Sequence[tuple[str, bytes]] = ()) -> LedgerVerdict:
        database = Database(self.place)
        try:
            return verify_ledger(database, self.signer.public, kept=kept)
        finally:
            database.close()

    def edit(self, *statements: str) -> None:
        """Run SQL as who has the database's password, or its file."""
        if "://" not in self.place:
            with closing(sqlite3.connect(self.place)) as file, file:
                for statement in statements:
                    file.execute(statement)
            return
        import psycopg

        with psycopg.connect(self.place) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def rows(self, query: str) -> list[Any]:
        if "://" not in self.place:
            with closing(sqlite3.connect(self.place)) as file:
                return file.execute(query).fetchall()
        import psycopg

        with psycopg.connect(self.place) as connection:
            return connection.execute(query.encode()).fetchall()


def append_now(ledger: Ledger, read: LedgerRead) -> int:
    """Append a read, and return the index of its entry once it is kept."""
    return asyncio.run(ledger.append(read))


@pytest.fixture(params=["sqlite", "postgresql"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    """A place for a ledger, in each database."""
    signer = LedgerSigner.open(tmp_path / "gateway.pem", create=True)
    if request.param == "sqlite":
        return Bench(str(tmp_path / "ledger.db"), signer)
    server = request.getfixturevalue("postgres")
    return Bench(server.new_database(), signer)
