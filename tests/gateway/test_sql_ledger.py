"""The ledger keeps every read it said it kept, in order, and refuses when it cannot."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from pe_dvc.gateway.leaf import decode_leaf
from pe_dvc.gateway.ledger_key import LedgerSigner
from pe_dvc.gateway.sql_ledger import SqlLedger
from pe_dvc.primitives.errors import FormatError, LedgerUnavailableError, NotFoundError
from pe_dvc.tlog.checkpoint import parse_checkpoint
from pe_dvc.tlog.note import parse_note
from tests.support.ledgers import append_now
from tests.support.paths import ROOT
from tests.support.reads import a_read

if TYPE_CHECKING:
    from pe_dvc.gateway.ledger import Ledger
    from tests.support.ledgers import Bench
    from tests.support.postgres_server import PostgresServer

KILLS = 50 if os.environ.get("SOAK") else 3
LEAVES = "SELECT idx, leaf FROM ledger_entries ORDER BY idx"


async def many(ledger: Ledger, count: int) -> list[int]:
    return await asyncio.gather(*[ledger.append(a_read(n)) for n in range(count)])


def test_entries_have_the_indexes_that_were_returned(bench: Bench) -> None:
    with bench.open() as ledger:
        indexes = asyncio.run(many(ledger, 300))
    assert sorted(indexes) == list(range(300))
    kept = {index: bytes(leaf) for index, leaf in bench.rows(LEAVES)}
    for n, index in enumerate(indexes):
        leaf = decode_leaf(kept[index], where="an entry")
        assert (leaf.index, leaf.read.at) == (index, a_read(n).at)
    assert bench.verify().sound


def test_appends_that_wait_share_transactions(bench: Bench) -> None:
    commits = list[int]()
    with bench.open() as ledger:
        event.listen(ledger._database._writing, "commit", lambda _: commits.append(1))
        asyncio.run(many(ledger, 500))
        assert len(commits) <= 50


def test_a_ledger_goes_on_where_it_was(bench: Bench) -> None:
    bench.fill([a_read(n) for n in range(5)])
    with bench.open() as ledger:
        assert append_now(ledger, a_read(5)) == 5
    verdict = bench.verify()
    assert (verdict.sound, verdict.entries) == (True, 6)


def test_a_checkpoint_is_kept_at_the_end(bench: Bench) -> None:
    bench.fill([a_read(n) for n in range(5)])
    ((note,),) = bench.rows("SELECT note FROM ledger_checkpoints")
    assert parse_checkpoint(parse_note(note.encode(), where="it").text, where="it").size == 5


def test_two_gateways_on_one_database_leave_no_gaps(bench: Bench) -> None:
    found = list[int]()

    def serve() -> None:
        with bench.open() as ledger:
            found.extend(asyncio.run(many(ledger, 100)))
            found.extend(asyncio.run(many(ledger, 100)))

    threads = [threading.Thread(target=serve) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(400))
    assert bench.verify().sound


def test_two_gateways_that_start_at_once_make_one_file(tmp_path: Path) -> None:
    """SQLite says at once that it is locked, without the wait that it has otherwise."""
    signer, at_once = LedgerSigner.open(tmp_path / "key.pem", create=True), threading.Barrier(2)

    def start(place: Path) -> None:
        at_once.wait()
        SqlLedger(str(place), signer).close()

    with ThreadPoolExecutor(2) as pool:
        for number in range(20):  # without the wait it fails in one of five
            list(pool.map(start, [tmp_path / f"{number}.db"] * 2))


def test_a_gateway_of_another_key_may_not_append(bench: Bench, tmp_path: Path) -> None:
    bench.fill([a_read()])
    thief = LedgerSigner.open(tmp_path / "thief.pem", create=True)
    with pytest.raises(LedgerUnavailableError, match="another gateway's key"):
        SqlLedger(bench.place, thief)


def test_leaves_hold_no_personal_data(bench: Bench) -> None:
    bench.fill([replace(a_read(), person="Ann Smith", token_id="tok-ann", client_address="::5e")])
    ((_, leaf),) = bench.rows(LEAVES)
    for secret in (b"Ann", b"tok-ann", b"::5e"):
        assert secret not in bytes(leaf)


def test_one_read_that_is_too_large_stops_no_other(bench: Bench) -> None:
    async def run(ledger: Ledger) -> list[int | BaseException]:
        reads = [a_read(0), replace(a_read(1), object_key="x" * 70_000), a_read(2)]
        waiting = [ledger.append(read) for read in reads]
        return await asyncio.gather(*waiting, return_exceptions=True)

    with bench.open() as ledger:
        first, second, third = asyncio.run(run(ledger))
    assert {first, third} == {0, 1}
    assert isinstance(second, FormatError)


def test_a_full_disk_refuses_and_keeps_nothing_by_halves(tmp_path: Path) -> None:
    signer = LedgerSigner.open(tmp_path / "gateway.pem", create=True)
    with SqlLedger(tmp_path / "ledger.db", signer) as ledger:
        append_now(ledger, a_read())

        def no_room(connection: object, *_: object) -> None:
            connection.execute("PRAGMA max_page_count=1")  # type: ignore[attr-defined]

        event.listen(ledger._database._writing, "checkout", no_room)
        kept = [0]

        def fill() -> None:
            for n in range(1, 2000):
                kept.append(append_now(ledger, replace(a_read(n), columns=("c" * 9000,))))

        with pytest.raises(LedgerUnavailableError, match="full"):
            fill()
        event.remove(ledger._database._writing, "checkout", no_room)
        ledger._database._writing.dispose()
        assert append_now(ledger, a_read()) == len(kept)


def test_a_database_that_went_away_refuses_until_it_is_back(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    signer = LedgerSigner.open(tmp_path / "gateway.pem", create=True)
    with SqlLedger(postgres.new_database(), signer) as ledger:
        assert append_now(ledger, a_read()) == 0
        postgres.stop()
        try:
            with pytest.raises(LedgerUnavailableError):
                append_now(ledger, a_read(1))
        finally:
            postgres.start()
        assert append_now(ledger, a_read(2)) == 1


def test_no_password_of_a_database_is_told() -> None:
    url = "postgresql://gateway:hunter2@127.0.0.1:1/ledger"
    signer = LedgerSigner.open(Path(os.environ["HOME"]) / "k" / "gateway.pem", create=True)
    with pytest.raises(LedgerUnavailableError) as caught:
        SqlLedger(url, signer)
    assert "hunter2" not in str(caught.value)
    assert "127.0.0.1:1/ledger" in str(caught.value)


def test_an_error_of_the_database_names_no_person(bench: Bench) -> None:
    with bench.open() as ledger:
        bench.edit("DROP TABLE ledger_aliases")
        with pytest.raises(LedgerUnavailableError) as caught:
            append_now(ledger, a_read(person="zoe@example.org"))
    assert "zoe" not in str(caught.value)


def test_a_ledger_that_is_closed_takes_nothing(bench: Bench) -> None:
    ledger = bench.open()
    ledger.close()
    with pytest.raises(LedgerUnavailableError, match="closed"):
        append_now(ledger, a_read())


def test_who_only_reads_makes_no_ledger(tmp_path: Path) -> None:
    from pe_dvc.gateway.database import Database

    with pytest.raises(NotFoundError):
        Database(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    signer = LedgerSigner.open(tmp_path / "gateway.pem", create=True)
    with SqlLedger(tmp_path / "ledger.db", signer):
        assert (tmp_path / "ledger.db").stat().st_mode & 0o077 == 0
    assert (tmp_path / "gateway.pem").stat().st_mode & 0o077 == 0


CHILD = """
import asyncio, sys
from pathlib import Path
from pe_dvc.gateway.ledger_key import LedgerSigner
from pe_dvc.gateway.sql_ledger import SqlLedger
from tests.support.reads import a_read

async def go(ledger):
    n = 0
    async def one(n):
        print(await ledger.append(a_read(n)), flush=True)
    while True:
        await asyncio.gather(*[one(n + k) for k in range(20)])
        n += 20

asyncio.run(go(SqlLedger(sys.argv[1], LedgerSigner.open(Path(sys.argv[2])))))
"""


@pytest.mark.parametrize("round_", range(KILLS))
def test_killed_at_any_point_every_index_returned_is_there(
    bench: Bench, tmp_path: Path, round_: int
) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, bench.place, str(tmp_path / "gateway.pem")],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert child.stdout is not None
    lines = [child.stdout.readline() for _ in range(40 + 37 * round_)]
    child.send_signal(signal.SIGKILL)
    lines += child.stdout.readlines()
    child.wait()
    child.stdout.close()
    returned = [int(line) for line in lines if line.endswith(b"\n")]
    assert len(returned) >= 40
    there = {index for (index,) in bench.rows("SELECT idx FROM ledger_entries")}
    assert set(returned) <= there
    assert bench.verify().sound
    with bench.open() as ledger:
        assert append_now(ledger, a_read()) == len(there)
