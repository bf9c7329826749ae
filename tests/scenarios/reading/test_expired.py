"""A grant ends: its data leave the reader's machine, and the ledger has it signed. ADR 0041."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import pe_dvc
from pe_dvc.documents.destruction import DestroyedFile, Destruction, parse_destruction
from pe_dvc.documents.statement_bundle import read_statements, write_statements
from pe_dvc.gateway.ledger_key import LedgerSigner
from pe_dvc.gateway.sql_ledger import SqlLedger
from pe_dvc.primitives.errors import StorePermissionError, StoreUnavailableError
from pe_dvc.project.destruction_book import DestructionBook
from pe_dvc.trust.person_key import PersonKey
from tests.support.commands import run_pe_dvc
from tests.support.country import Country, reader_at
from tests.support.gateways import GatewayHouse
from tests.support.memory_store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FRS, WAS = b"frs" * 1000, b"was" * 1000
ENDED = {"datasets": "frs_*", "until": "2021-01-01"}
LIVE = {"datasets": "frs_*"}


@dataclass
class World:
    """A gateway with a real ledger, and a researcher, Ada, on this machine."""

    house: GatewayHouse
    ledger: SqlLedger
    key: Path
    place: Path
    state: Path

    def read(self, *names: str) -> None:
        """In a process of its own: a process holds what it has read for as long as it runs."""
        run_pe_dvc("get", *(f"us/{name}@latest" for name in names))

    def cached(self) -> set[str]:
        return {one.sha256 for one in pe_dvc.Cache().entries()}

    def entries(self) -> list[Any]:
        return list(pe_dvc.Ledger(self.place).report())

    def stated(self) -> list[Any]:
        return [one for one in self.entries() if one.read.kind == "destruction"]

    def verify(self) -> list[str]:
        verdict = pe_dvc.Ledger(self.place).verify(key=self.key)
        return [one.message for one in verdict.faults]

    @property
    def book(self) -> DestructionBook:
        return DestructionBook(self.state, "us")


@pytest.fixture
def manifests(tmp_path: Path) -> dict[str, Any]:
    country = Country(tmp_path / "country", MemoryStore())
    published = country.publish({"frs_2023": FRS, "was_2020": WAS})
    return {"country": country, **{one.artifact.name: one.artifact.sha256 for one in published}}


@pytest.fixture
def world(
    tmp_path: Path, manifests: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    key, place = tmp_path / "gateway.pem", tmp_path / "ledger.db"
    with SqlLedger(place, LedgerSigner.open(key, create=True)) as ledger:
        house = GatewayHouse(tmp_path, manifests["country"], ledger=ledger)
        reader_at(tmp_path / "ada", monkeypatch)
        manifests["country"].trust(tmp_path / "ada/config")
        monkeypatch.setenv("PE_DVC_STORE", house.url)
        monkeypatch.setenv("PE_DVC_GATEWAY_TOKEN", house.token())
        monkeypatch.chdir(tmp_path)
        with house.running():
            yield World(house, ledger, key, place, tmp_path / "ada/state")


@contextmanager
def _away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as other:
        other.setenv("PE_DVC_STORE", "http://127.0.0.1:9")
        yield


def fetch_elsewhere(monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    with monkeypatch.context() as other:
        other.setenv("PE_DVC_CACHE_DIR", str(directory / "other"))
        pe_dvc.fetch("us/frs_2023@latest")


def test_a_grant_ends_and_four_people_see_that_its_data_are_gone(
    world: World, manifests: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The data owner's licence ends; reviewer, researcher and auditor do their part."""
    # The reviewer merged Ada's grants for two projects; she reads both datasets.
    grants = [LIVE, {"id": "ada-2", "project": "wealth", "datasets": "was_*"}]
    world.house.grant(*grants)
    world.read("frs_2023", "was_2020")
    assert pe_dvc.Cache().prune_expired().ended == []
    assert len(world.cached()) == 2

    # The licence ends: the reviewer merges the last day. What is read is refused, with what to do.
    world.house.grant(ENDED, grants[1])
    with pytest.raises(StorePermissionError, match="pe-dvc cache prune --expired"):
        fetch_elsewhere(monkeypatch, tmp_path)

    access = world.house.access
    before = {one.group: one for one in pe_dvc.Ledger(world.place).usage("grant", access=access)}
    by_grant = ("report", "--by", "grant", "--access", access, "--ledger", world.place)
    assert "NO STATEMENT OF DESTRUCTION" in run_pe_dvc("audit", *by_grant).stdout

    # Ada deletes what must go, and no more; nothing is left to read of it.
    said = run_pe_dvc("cache", "prune", "--expired", "--no-other-copies")
    assert "stated for the grant ada: 1 file deleted (entry" in said.stderr
    assert world.cached() == {manifests["was_2020"]}
    for folder in ("manifests", "chunks"):
        kept = list((pe_dvc.Cache().directory / folder).rglob("*.*"))
        assert all(b"frs_2023" not in one.read_bytes() for one in kept)

    # Again: nothing to do, nothing is stated twice.
    assert pe_dvc.Cache().prune_expired(no_other_copies=True).stated == []
    (entry,) = world.stated()
    assert (entry.read.person, entry.read.grant_id) == ("ada@example.org", "ada")
    assert (entry.read.dataset, entry.read.byte_count) == ("frs_2023", 0)

    # The auditor sees which grants ended, and that none lacks its statement.
    rows = {one.group: one for one in pe_dvc.Ledger(world.place).usage("grant", access=access)}
    assert rows["ada"].grant == "ended on 2021-01-01"
    assert rows["ada-2"].grant == "live until 2099-12-31"
    assert (rows["ada"].statements, rows["ada"].lacks_statement) == (1, False)
    assert rows["ada"].reads == before["ada"].reads
    assert before["ada"].lacks_statement
    assert "NO STATEMENT" not in run_pe_dvc("audit", *by_grant).stdout

    # The auditor: the ledger verifies, and the statement is the one whose digest it has.
    assert world.verify() == []
    (row,) = _rows(world, "SELECT data FROM ledger_statements")
    statement = parse_destruction(read_statements(row[0], where="it")[0].payload, where="it")
    assert statement.no_other_copies
    assert statement.files == (
        DestroyedFile(dataset="frs_2023", sha256=manifests["frs_2023"], places=("cache",)),
    )
    assert statement.person == "ada@example.org"
    proof = tmp_path / "proof"
    proof.write_text(pe_dvc.Ledger(world.place).prove(entry.index))
    assert pe_dvc.Ledger().verify_proof(proof, key=world.key).read.sha256 == entry.read.sha256


def test_what_another_live_grant_needs_stays(world: World, manifests: dict[str, Any]) -> None:
    world.house.grant(LIVE)
    world.read("frs_2023")
    world.house.grant(ENDED, {"id": "ada-2", "project": "wealth", "datasets": "frs_2023"})
    done = pe_dvc.Cache().prune_expired()
    assert (done.ended, done.stated, done.cache) == (["ada"], [], [])
    assert world.cached() == {manifests["frs_2023"]}
    # Though the token is for the ended project alone.
    world.house.grant(ENDED, {"id": "ada-2", "project": "wealth", "until": "2021-02-01"})
    done = pe_dvc.Cache().prune_expired()
    assert sorted(one.grant for one in done.stated) == ["ada", "ada-2"]
    assert not world.cached()


def test_while_the_gateway_is_away_nothing_is_deleted_by_guess(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.house.grant(LIVE)
    world.read("frs_2023")
    world.house.grant(ENDED)
    with _away(monkeypatch), pytest.raises(StoreUnavailableError):
        pe_dvc.Cache().prune_expired()
    assert len(world.cached()) == 1


def test_a_statement_that_could_not_be_sent_is_sent_by_the_next_run(world: World) -> None:
    world.house.grant(LIVE)
    world.read("frs_2023")
    world.house.grant(ENDED)
    access, away = world.house.gateway.access_control, _AwayLedger()
    access.ledger = away
    said = run_pe_dvc("cache", "prune", "--expired", code=1)
    assert "NOT SENT" in said.stderr
    assert "to be sent by the next run" in said.stderr
    assert not world.cached()
    assert away.asked == 1
    access.ledger = world.ledger
    done = pe_dvc.Cache().prune_expired()
    assert [one.files for one in done.stated] == [1]
    assert len(world.stated()) == 1
    assert pe_dvc.Cache().prune_expired().stated == []


class _AwayLedger:
    """A ledger whose database is away."""

    asked = 0

    async def append(self, read: object, statement: bytes | None = None) -> int:
        from pe_dvc.primitives.errors import LedgerUnavailableError

        self.asked += 1
        raise LedgerUnavailableError("it is away", where="ledger")


@pytest.mark.parametrize(
    "place",
    [
        "pe_dvc.project.expired.now_text",  # files are gone, no statement yet
        "pe_dvc.project.expired.write_statements",
        "pe_dvc.project.destruction_book.DestructionBook.drop_plan",  # the statement is kept
        "pe_dvc.project.expired._Places._send",
        "pe_dvc.project.destruction_book.DestructionBook.sent",  # the gateway has it
    ],
)
def test_killed_between_deletion_and_statement(
    world: World, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    world.house.grant(LIVE)
    world.read("frs_2023")
    world.house.grant(ENDED)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as other:
        other.setattr(place, killed)
        with pytest.raises(KeyboardInterrupt):
            pe_dvc.Cache().prune_expired()
    assert not world.cached()
    pe_dvc.Cache().prune_expired()
    (entry,) = world.stated()
    assert entry.read.dataset == "frs_2023"
    assert world.verify() == []
    assert pe_dvc.Cache().prune_expired().stated == []
    assert world.book.planned() == []


def test_what_a_process_reads_is_not_stated_as_gone(world: World) -> None:
    world.house.grant(LIVE)
    pe_dvc.fetch("us/frs_2023@latest")
    world.house.grant(ENDED)
    said = run_pe_dvc("cache", "prune", "--expired", "--no-other-copies", code=1)
    assert "in use, NOT REMOVED" in said.stderr
    assert len(world.cached()) == 1
    assert not world.stated()


def statement(signer: PersonKey, **changed: Any) -> bytes:
    """Return a signed statement by Ada, with what it changes of a usual one."""
    values: dict[str, Any] = {
        "country": "us",
        "person": "ada@example.org",
        "grant": "ada",
        "project": "poverty",
        "licence": "UKDS End User Licence, version 24",
        "destroyed": "2026-11-01T12:00:00Z",
        "key": signer.public,
        "nonce": "0" * 32,
        "left": 0,
        "no_other_copies": True,
        "files": (DestroyedFile(dataset="frs_2023", sha256="ab" * 32),),
    }
    made = Destruction(**{**values, **changed})
    return write_statements([signer.sign(made.to_bytes())])


def test_attack_a_statement_that_is_another_s_or_forged_or_replayed(
    world: World, tmp_path: Path
) -> None:
    house = world.house
    house.grant(ENDED, {"id": "bob", "person": "bob@example.org", "until": "2021-01-01"})
    ada, bob = PersonKey.open(tmp_path / "a"), PersonKey.open(tmp_path / "b")
    ours, theirs = house.token(), house.token("bob@example.org")
    good = statement(ada)
    tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    signed = read_statements(good, where="it")[0]
    refused = [
        (None, good, 401),
        ("pedvc_0000000000000000_" + "A" * 43, good, 401),
        (theirs, good, 403),  # Ada's, replayed by Bob
        (theirs, statement(bob), 403),  # made by Bob, of Ada
        (ours, statement(ada, grant="bob"), 403),
        (ours, statement(ada, grant="none"), 403),
        (ours, statement(ada, key=bob.public), 400),
        (ours, good.replace(b'"sig":"', b'"sig":"AAAA'), 400),
        (ours, write_statements([ada.sign(signed.payload.replace(b'"left":0', b'"left":9'))]), 201),
        (ours, good.replace(signed_payload(good), signed_payload(statement(ada, left=1))), 400),
        (ours, write_statements([ada.sign(signed.payload + b" ")]), 400),
        (ours, good + good, 400),
        (ours, statement(ada, country="uk"), 400),
        (ours, statement(ada, destroyed=tomorrow), 400),
        (ours, b"{}", 400),
        (ours, b"", 400),
        (ours, b"x" * (8 * 1024 * 1024 + 1), 413),
    ]
    for number, (token, body, status) in enumerate(refused):
        answer = house.post("/statements/us", token, body)
        assert answer.status == status, (number, answer.body)
    assert len(world.stated()) == 1
    assert house.post("/statements/xx", ours, good).status == 404
    assert house.post("/statements/us", house.token(country="uk"), good).status == 404

    # The same one again, also by another token of hers, is the same entry.
    first = house.post("/statements/us", ours, good)
    again = house.post("/statements/us", house.token(), good)
    assert (first.status, again.status) == (201, 201)
    assert first.json == again.json
    assert len(world.stated()) == 2
    assert world.verify() == []
    assert house.token() not in json.dumps([one.to_json() for one in world.entries()])


def signed_payload(envelope: bytes) -> bytes:
    payload: str = json.loads(envelope)["payload"]
    return payload.encode()


def test_attack_a_statement_that_was_edited_in_the_database(world: World, tmp_path: Path) -> None:
    world.house.grant(ENDED)
    ada = PersonKey.open(tmp_path / "a")
    assert world.house.post("/statements/us", world.house.token(), statement(ada)).status == 201
    assert world.verify() == []
    _edit(world, "UPDATE ledger_statements SET data = CAST(data || x'20' AS BLOB)")
    assert world.verify() == [
        "the statement of entry 0 is not the one whose digest is in the ledger"
    ]
    assert pe_dvc.Ledger(world.place).forget("ada@example.org") > 0
    assert _rows(world, "SELECT * FROM ledger_statements") == []
    assert world.verify() == []


def _rows(world: World, query: str) -> list[Any]:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(world.place)) as file:
        return file.execute(query).fetchall()


def _edit(world: World, query: str) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(world.place)) as file, file:
        file.execute(query)
