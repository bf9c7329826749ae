"""What who can write to the database tries, and what `audit verify` says of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import event

from pe_dvc.gateway.database import Database
from pe_dvc.gateway.ledger_key import LedgerSigner
from pe_dvc.gateway.pseudonyms import forget
from pe_dvc.gateway.sql_ledger import SqlLedger
from pe_dvc.gateway.verify_ledger import verify_ledger
from pe_dvc.primitives.errors import LedgerUnavailableError, SignatureError
from pe_dvc.tlog.merkle import leaf_hash
from tests.support.ledgers import Bench, append_now
from tests.support.reads import a_read

COLUMNS = "idx, leaf, hash"


@pytest.fixture
def filled(bench: Bench) -> Bench:
    """A ledger of 20 entries, with a checkpoint at every fifth."""
    bench.fill([a_read(n) for n in range(20)], checkpoint_every=5)
    assert bench.verify().sound
    return bench


def faults(bench: Bench) -> list[tuple[int | None, int | None]]:
    return [(fault.first, fault.last) for fault in bench.verify().faults]


def blob(bench: Bench, data: bytes) -> str:
    return f"'\\x{data.hex()}'::bytea" if "://" in bench.place else f"x'{data.hex()}'"


def leaf_of(bench: Bench, index: int) -> bytes:
    ((leaf,),) = bench.rows(f"SELECT leaf FROM ledger_entries WHERE idx = {index}")
    return bytes(leaf)


def test_an_edited_entry_is_named(filled: Bench) -> None:
    new = leaf_of(filled, 7).replace(b"pe-poverty", b"pe-hunting")
    filled.edit(f"UPDATE ledger_entries SET leaf = {blob(filled, new)} WHERE idx = 7")
    assert faults(filled) == [(7, 7)]


def test_an_edited_entry_with_its_hash_is_between_two_checkpoints(filled: Bench) -> None:
    new = leaf_of(filled, 7).replace(b"pe-poverty", b"pe-hunting")
    filled.edit(
        f"UPDATE ledger_entries SET leaf = {blob(filled, new)}, "
        f"hash = {blob(filled, leaf_hash(new))} WHERE idx = 7"
    )
    assert faults(filled) == [(5, 9)]


def test_a_removed_entry_is_named(filled: Bench) -> None:
    filled.edit("DELETE FROM ledger_entries WHERE idx = 7")
    assert faults(filled) == [(7, 7)]


def test_removed_last_entries_are_named(filled: Bench) -> None:
    filled.edit("DELETE FROM ledger_entries WHERE idx > 16")
    assert faults(filled) == [(17, 19)]


def test_a_removed_entry_whose_gap_was_closed_is_found(filled: Bench) -> None:
    filled.edit(
        "DELETE FROM ledger_entries WHERE idx = 7",
        *[f"UPDATE ledger_entries SET idx = {n - 1} WHERE idx = {n}" for n in range(8, 20)],
    )
    (first, *_) = faults(filled)
    assert first == (7, 7)


def test_reordered_entries_are_named(filled: Bench) -> None:
    filled.edit(
        "UPDATE ledger_entries SET idx = 99 WHERE idx = 3",
        "UPDATE ledger_entries SET idx = 3 WHERE idx = 4",
        "UPDATE ledger_entries SET idx = 4 WHERE idx = 99",
    )
    assert faults(filled) == [(3, 3), (4, 4)]


def test_an_inserted_entry_at_the_end_is_named(filled: Bench) -> None:
    new = leaf_of(filled, 7).replace(b'"index":7', b'"index":20')
    values = f"20, {blob(filled, new)}, {blob(filled, leaf_hash(new))}"
    filled.edit(f"INSERT INTO ledger_entries ({COLUMNS}) VALUES ({values})")
    assert faults(filled) == [(20, 20)]
    with pytest.raises(LedgerUnavailableError), filled.open() as ledger:
        append_now(ledger, a_read())


def test_an_inserted_entry_in_the_middle_is_found(filled: Bench) -> None:
    new = leaf_of(filled, 7)
    filled.edit(
        *[f"UPDATE ledger_entries SET idx = {n + 1} WHERE idx = {n}" for n in range(19, 6, -1)],
        f"INSERT INTO ledger_entries ({COLUMNS}) VALUES "
        f"(7, {blob(filled, new)}, {blob(filled, leaf_hash(new))})",
    )
    assert (8, 8) in faults(filled)


def rewritten(bench: Bench, tmp_path: Path) -> None:
    """Write the whole ledger again, of other entries, signed by another key."""
    thief = LedgerSigner.open(tmp_path / "thief.pem", create=True)
    tables = ("aliases", "people", "entries", "checkpoints", "imported", "state")
    bench.edit(*[f"DELETE FROM ledger_{table}" for table in tables])
    Bench(bench.place, thief).fill([a_read(n, person="mallory") for n in range(20)])


def test_a_tree_rewritten_with_another_key_is_refused(filled: Bench, tmp_path: Path) -> None:
    rewritten(filled, tmp_path)
    found = filled.verify()
    assert any("did not sign" in fault.message for fault in found.faults)
    assert found.checkpoint is None


def test_a_gateway_does_not_go_on_with_a_rewritten_tree(filled: Bench, tmp_path: Path) -> None:
    rewritten(filled, tmp_path)
    with pytest.raises(LedgerUnavailableError, match="another gateway's key"):
        filled.open()


def test_a_running_gateway_signs_no_tree_that_was_edited_under_it(filled: Bench) -> None:
    with filled.open() as ledger:
        filled.edit(f"UPDATE ledger_state SET frontier = {blob(filled, b'x' * 64)}")
        with pytest.raises(LedgerUnavailableError, match="altered"):
            append_now(ledger, a_read())


def test_a_running_gateway_is_not_set_back_to_an_earlier_state(filled: Bench) -> None:
    ((size, frontier, note),) = filled.rows("SELECT size, frontier, note FROM ledger_state")
    with filled.open() as ledger:
        append_now(ledger, a_read())
        filled.edit(
            "DELETE FROM ledger_entries WHERE idx = 20",
            f"UPDATE ledger_state SET size = {size}, frontier = {blob(filled, bytes(frontier))}, "
            f"note = '{note}'",
        )
        with pytest.raises(LedgerUnavailableError, match="had 21 entries"):
            append_now(ledger, a_read())


def test_a_ledger_set_back_is_found_by_a_checkpoint_kept_elsewhere(filled: Bench) -> None:
    ((size, frontier, note),) = filled.rows("SELECT size, frontier, note FROM ledger_state")
    with filled.open() as ledger:
        append_now(ledger, a_read())
        kept = ledger.checkpoint().encode()
    filled.edit(
        "DELETE FROM ledger_entries WHERE idx = 20",
        "DELETE FROM ledger_checkpoints WHERE size = 21",
        f"UPDATE ledger_state SET size = {size}, frontier = {blob(filled, bytes(frontier))}, "
        f"note = '{note}'",
    )
    assert filled.verify().sound
    (fault,) = filled.verify(kept=[("monday.txt", kept)]).faults
    assert (fault.first, fault.last) == (20, 20)
    assert "monday.txt" in fault.message


def test_a_kept_checkpoint_of_a_ledger_that_was_written_twice_proves_it(
    filled: Bench, tmp_path: Path
) -> None:
    """The thief has the gateway's key, too."""
    ((note,),) = filled.rows("SELECT note FROM ledger_state")
    ((origin,),) = filled.rows("SELECT origin FROM ledger_state")
    other = Bench(str(tmp_path / "other.db"), filled.signer)
    with SqlLedger(other.place, other.signer):
        pass
    other.edit("DELETE FROM ledger_state", "DELETE FROM ledger_checkpoints")
    import pe_dvc.gateway.ledger_writer as writer

    made = origin.removeprefix(writer._ORIGIN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("secrets.token_hex", lambda _: made)
        other.fill([a_read(n, person="mallory") for n in range(20)])
    found = other.verify(kept=[("monday.txt", note.encode())])
    assert any("written twice" in fault.message for fault in found.faults)


def test_a_kept_checkpoint_of_another_key_is_refused(filled: Bench, tmp_path: Path) -> None:
    thief = LedgerSigner.open(tmp_path / "thief.pem", create=True)
    other = Bench(str(tmp_path / "other.db"), thief)
    other.fill([a_read()])
    ((note,),) = other.rows("SELECT note FROM ledger_state")
    with pytest.raises(SignatureError, match=r"monday\.txt"):
        filled.verify(kept=[("monday.txt", note.encode())])


def test_removed_checkpoints_leave_the_newest(filled: Bench) -> None:
    filled.edit("DELETE FROM ledger_checkpoints")
    verdict = filled.verify()
    assert (verdict.sound, verdict.checkpoints) == (True, 1)


def test_a_forged_checkpoint_is_found(filled: Bench) -> None:
    filled.edit("UPDATE ledger_checkpoints SET note = replace(note, '10', '11') WHERE size = 10")
    (fault,) = filled.verify().faults
    assert "10 entries" in fault.message


def test_entries_that_are_no_entries_are_named(filled: Bench) -> None:
    junk = b"{}"
    filled.edit(
        f"UPDATE ledger_entries SET leaf = {blob(filled, junk)}, "
        f"hash = {blob(filled, leaf_hash(junk))} WHERE idx = 2"
    )
    assert (2, 2) in faults(filled)


def test_a_person_who_is_erased_leaves_the_tree_as_it_is(filled: Bench) -> None:
    database = Database(filled.place)
    with database.writing() as connection:
        assert forget(connection, "ann@example.org") == 3
        assert forget(connection, "ann@example.org") == 0
    database.close()
    assert filled.verify().sound
    assert filled.rows("SELECT * FROM ledger_people") == []
    assert filled.rows("SELECT * FROM ledger_aliases") == []
    if "://" not in filled.place:
        for path in Path(filled.place).parent.glob("ledger.db*"):
            assert b"ann@example.org" not in path.read_bytes()


def test_who_may_only_read_the_file_can_verify_it(tmp_path: Path) -> None:
    signer = LedgerSigner.open(tmp_path / "gateway.pem", create=True)
    made = Bench(str(tmp_path / "ledger.db"), signer)
    made.fill([a_read()])
    statements = list[str]()
    database = Database(made.place)
    event.listen(
        database._engine, "before_cursor_execute", lambda *given: statements.append(given[2])
    )
    assert verify_ledger(database, signer.public).sound
    database.close()
    assert statements
    assert not [
        one
        for one in statements
        if not one.startswith(("SELECT", "BEGIN", "PRAGMA main.table_info("))
    ]
