"""What who can write to the database tries beside the entries: names, and values of other types."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.gateway.database import Database
from pe_dvc.gateway.ledger_key import LedgerSigner
from pe_dvc.gateway.pseudonyms import forget
from pe_dvc.gateway.read_filter import ReadFilter
from pe_dvc.gateway.report import report
from pe_dvc.primitives.errors import VerificationError
from tests.support.ledgers import Bench
from tests.support.reads import a_read

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def filled(tmp_path: Path) -> Bench:
    """A ledger of five entries in an SQLite file."""
    bench = Bench(
        str(tmp_path / "ledger.db"), LedgerSigner.open(tmp_path / "gateway.pem", create=True)
    )
    bench.fill([a_read(n) for n in range(5)], checkpoint_every=5)
    assert bench.verify().sound
    return bench


def said(bench: Bench) -> str:
    return "\n".join(fault.message for fault in bench.verify().faults)


def test_attack_another_name_behind_a_pseudonym(filled: Bench) -> None:
    ((person,),) = filled.rows("SELECT name FROM ledger_people LIMIT 1")
    filled.edit(f"UPDATE ledger_aliases SET value = 'eve@example.org' WHERE value = '{person}'")
    assert "stands for was edited" in said(filled)


def test_attack_another_address_behind_a_pseudonym(filled: Bench) -> None:
    filled.edit("UPDATE ledger_aliases SET value = '192.0.2.77' WHERE value LIKE '%.%.%.%'")
    assert "stands for was edited" in said(filled)


def test_attack_a_person_renamed_so_that_reports_by_name_miss_them(filled: Bench) -> None:
    filled.edit("UPDATE ledger_people SET name = 'eve@example.org' WHERE id = 1")
    assert "person 1 of ledger_people was edited" in said(filled)


def test_attack_a_name_with_a_key_of_its_own(filled: Bench) -> None:
    filled.edit(
        f"UPDATE ledger_people SET name = 'eve@example.org', secret = x'{'00' * 32}' WHERE id = 1",
        "UPDATE ledger_aliases SET value = 'eve@example.org' WHERE value LIKE '%@%' AND person = 1",
    )
    assert "stands for was edited" in said(filled)


def test_attack_a_pseudonym_given_to_no_one(filled: Bench) -> None:
    filled.edit("DELETE FROM ledger_people WHERE id = 1")
    assert "is of no person" in said(filled)


def test_an_erased_person_is_no_fault(filled: Bench) -> None:
    ((person,),) = filled.rows("SELECT name FROM ledger_people WHERE id = 1")
    database = Database(filled.place)
    try:
        with database.writing() as connection:
            assert forget(connection, person)
    finally:
        database.close()
    assert filled.verify().sound


@pytest.mark.parametrize(
    "change",
    [
        "ledger_entries SET leaf = replace(leaf, 'poverty', 'hunting') WHERE idx = 2",
        "ledger_entries SET hash = 1000000000000 WHERE idx = 2",
        "ledger_entries SET idx = 'two' WHERE idx = 2",
        "ledger_checkpoints SET note = x'00'",
        "ledger_state SET frontier = 'x'",
        "ledger_people SET secret = 'x'",
    ],
)
def test_attack_a_value_of_another_type(filled: Bench, change: str) -> None:
    filled.edit(f"UPDATE {change}")
    assert f"of {change.split()[0]} was edited" in said(filled)


def test_an_entry_of_another_type_is_named(filled: Bench) -> None:
    filled.edit("UPDATE ledger_entries SET leaf = CAST(leaf AS TEXT) WHERE idx = 0")
    assert said(filled).startswith("entry 0 of ledger_entries was edited")


def test_a_report_of_a_value_of_another_type_is_refused(filled: Bench) -> None:
    filled.edit("UPDATE ledger_entries SET leaf = CAST(leaf AS TEXT) WHERE idx = 2")
    database = Database(filled.place)
    try:
        with pytest.raises(VerificationError, match="audit verify"):
            list(report(database, ReadFilter()))
    finally:
        database.close()
