"""A reader holds a channel's history to its log: each test is an attack on it, or a lawful change.

The thief of these tests has all online keys, and can write to the bucket: what he signs verifies.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.documents.metadata_fields import LOG_FIELD
from pe_dvc.documents.mirrors import Selection
from pe_dvc.primitives.errors import (
    EquivocationError,
    PeDvcError,
    StoreUnavailableError,
    VerificationError,
)
from pe_dvc.store.several import SeveralStores
from pe_dvc.trust.bucket_identity import place_name
from pe_dvc.trust.client import ChannelClient
from pe_dvc.trust.log_memory import ShownLog
from pe_dvc.trust.seen import SeenFile, SeenPublication
from pe_dvc.trust.tuf_api import Targets
from pe_dvc.trust.tuf_reader import TufReader
from pe_dvc.usecases.mirror.verify import verify_mirror
from tests.support.hand_log import HandLog, filler, logged_state
from tests.support.memory_store import MemoryStore
from tests.support.simulator import Root, Simulator, pointer
from tests.support.stores import RecordingStore, WrappedStore

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.store.port import ObjectInfo, ReadableStore, Store
    from pe_dvc.usecases.mirror.wanted import Lacking

OLD, NEW, NEWEST = (pointer("cps_2024", text) for text in ("old", "new", "newest"))
FORGED = pointer("cps_2024", "forged")


class Country(Simulator):
    """A country whose publications are logged, and a reader ``mine`` of its bucket."""

    log: HandLog

    def show(self, one: Pointer, *, timestamp: int = 0) -> None:
        """Publish a version of ``latest``, and log it."""
        self.update(one)
        self.publish()
        self.log.add(timestamp=timestamp)

    def read(self, state: str = "mine", *, offline: bool = False) -> Pointer | None:
        """Return what a new process reads; it has the memory of those before it."""
        where = self.base / "state" / state
        client = ChannelClient(
            self.store, "us", self.pinned, where, lock_timeout=5, offline=offline
        )
        return client.lookup("latest", "cps_2024")

    def remembered(self, state: str = "mine") -> Path:
        (found,) = (self.base / "state" / state).glob("channels/*/*/log.json")
        return found

    def evidence(self, state: str = "mine") -> list[Path]:
        return sorted((self.base / "state" / state / "equivocation/us").glob("*.json"))

    @property
    def tiles_read(self) -> list[str]:
        """The files of the log that were read since the record was cleared."""
        return [key for what, key in self.store.log if what == "read" and "/log/" in key]


def made(base: Path, *, before: int = 0) -> Country:
    """Return a country that shows OLD; ``before`` is how much was logged long ago."""
    country = Country(base)
    country.log = HandLog(country, leaves=filler(before))
    country.log.after = 1 if before else 0
    country.show(OLD)
    return country


@pytest.fixture
def country(tmp_path: Path) -> Country:
    return made(tmp_path)


@pytest.fixture(params=[0, 300], ids=["young log", "old log"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Country:
    """A log whose entries the snapshot has all, and one that is in tiles for the most part."""
    return made(tmp_path, before=request.param)


def thief_of(country: Country, *, kept: int = 0) -> HandLog:
    """A log of the thief's own that has the first ``kept`` entries of the true one."""
    thief = HandLog(country, leaves=country.log.leaves[:kept])
    thief.after = 1 if kept else 0
    return thief


def rewrite(country: Country, *, kept: int = 0, more: int | None = None) -> None:
    """Show FORGED, as it would look had the true entries after ``kept`` never been."""
    country.update(FORGED)
    country.publish()
    thief = thief_of(country, kept=kept)
    thief.leaves += filler(len(country.log.leaves) if more is None else more, start=5000)
    thief.add(timestamp=1)


def refused(country: Country, state: str = "mine") -> EquivocationError:
    """Read, twice, and be refused; the one who reads offline has what was read before."""
    before = country.remembered(state).read_bytes()
    for _ in range(2):
        with pytest.raises(EquivocationError) as caught:
            country.read(state)
    assert country.remembered(state).read_bytes() == before
    assert country.read(state, offline=True) == OLD
    return caught.value


def test_history_rewritten_with_all_online_keys(both: Country) -> None:
    assert both.read() == OLD
    held = dict(both.store.objects)
    size = len(both.log.leaves)
    rewrite(both)
    error = refused(both)
    assert f"of which the first {size} are not those of memory://bucket" in error.message
    assert error.second == "memory://bucket"
    kept = {path.name.partition(".")[0]: path for path in both.evidence()}
    assert kept.keys() == {"timestamp", "snapshot", "log"}
    texts = [path.read_bytes() for path in both.evidence()]
    for objects in (held, both.store.objects):
        assert objects[both.key("timestamp.json")] in texts
    assert all(str(path) in str(error.remedy) for path in both.evidence())
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in both.evidence())
    both.store.restore(held)
    with pytest.raises(PeDvcError):  # TUF: the thief's versions were higher
        both.read()


def test_the_kept_proof_can_be_verified_by_who_was_not_there(country: Country) -> None:
    """By the signed roots of both trees, and what the tiles gave, alone."""
    from pe_dvc.tlog.merkle import verify_consistency

    country.log.leaves += filler(300)
    country.show(NEW)
    assert country.read() == NEW
    mine = logged_state(country)
    country.update(FORGED)
    country.publish()
    thief = thief_of(country, kept=4)
    thief.leaves += filler(400, start=7000)
    thief.add(timestamp=1)
    with pytest.raises(EquivocationError):
        country.read()
    (file,) = (path for path in country.evidence() if path.name.startswith("log."))
    proof = json.loads(file.read_bytes())
    theirs = logged_state(country)
    hashes = [bytes.fromhex(one) for one in proof["proof"]]
    with pytest.raises(VerificationError, match="does not begin"):
        verify_consistency(mine.size, theirs.size, hashes, mine.root, theirs.root)
    beginning = thief.state(mine.size).root  # what the proof is a proof of
    verify_consistency(mine.size, theirs.size, hashes, beginning, theirs.root)
    assert all(country.store.objects[key].hex() == tile for key, tile in proof["tiles"].items())
    assert proof["tiles"]


def test_a_rewritten_history_is_told_of_where_no_proof_can_be_kept(country: Country) -> None:
    country.read()
    (country.base / "state" / "mine" / "equivocation").write_text("no directory")
    rewrite(country)
    error = refused(country)
    assert "could not be written" in str(error.remedy)


def test_only_the_last_entry_was_rewritten(both: Country) -> None:
    assert both.read() == OLD
    rewrite(both, kept=len(both.log.leaves) - 1, more=1)
    refused(both)


def test_log_shortened(both: Country) -> None:
    both.log.leaves += filler(3, start=3000)
    both.show(OLD, timestamp=1)
    assert both.read() == OLD
    size = len(both.log.leaves)
    both.update(FORGED)
    both.publish()
    thief_of(both, kept=1).add(timestamp=1)
    assert logged_state(both).size < size
    assert f"has {size} entries of log 1" in refused(both).message


def test_log_of_equal_size_and_another_root(both: Country) -> None:
    assert both.read() == OLD
    size = len(both.log.leaves)
    both.update(FORGED)
    both.publish()
    of_the_thief = thief_of(both, kept=1).add().size
    thief = thief_of(both, kept=1)
    thief.leaves += filler(size - of_the_thief, start=5000)
    thief.add(timestamp=1)
    assert logged_state(both).size == size
    refused(both)


def test_log_dropped(country: Country) -> None:
    """As an older pe_dvc does, which knows no logs, or who hides what was published."""
    assert country.read() == OLD
    country.update(FORGED)
    country.publish()
    _drop(country)
    error = refused(country)
    assert "without their log" in error.message
    assert "an older pe_dvc" in str(error.remedy)
    assert country.read("new") == FORGED, "who never saw the log cannot miss it"


def _drop(country: Country) -> None:
    """Sign snapshot and timestamp without a word of the log."""
    stamp = country.held("timestamp.json")
    name = f"{stamp.signed.snapshot_meta.version}.snapshot.json"
    snapshot = country.held(name)
    snapshot.signed.unrecognized_fields.pop(LOG_FIELD, None)
    data = country.plant(name, snapshot, "snapshot")
    stamp.signed.snapshot_meta = type(stamp.signed.snapshot_meta).from_data(
        snapshot.signed.version, data, ["sha256"]
    )
    stamp.signed.unrecognized_fields.pop(LOG_FIELD, None)
    country.plant("timestamp.json", stamp, "timestamp")


def test_a_version_that_is_shown_and_not_logged(both: Country) -> None:
    """The log stays as it was, so that it proves to be the same: what it names is looked at."""
    assert both.read() == OLD
    log, version = logged_state(both), both.held("timestamp.json").signed.snapshot_meta.version
    assert version == both.log.after
    both.update(FORGED)
    both.publish()
    for index in (dict(log.index), {}, dict.fromkeys(log.index, log.index["latest"])):
        _sign(both, replace(log, index=index, entries=(), after=version))
        error = refused(both)
        assert "shows version" in error.message
        assert "not in the log" in error.message


def test_a_version_that_is_not_logged_is_not_shown_to_new_readers(both: Country) -> None:
    """Else who reads for the first time would take what no log will ever show."""
    log = logged_state(both)
    both.update(FORGED)
    both.publish()
    _sign(both, replace(log, entries=(), after=1))
    with pytest.raises(EquivocationError, match="latest of us, which is not in the log"):
        both.read("new")


def _sign(country: Country, state: object) -> None:
    """Let the bucket's snapshot and timestamp say this of the log."""
    from pe_dvc.documents.channel_log import LogState

    assert isinstance(state, LogState)
    stamp = country.held("timestamp.json")
    name = f"{stamp.signed.snapshot_meta.version}.snapshot.json"
    snapshot = country.held(name)
    snapshot.signed.unrecognized_fields[LOG_FIELD] = state.to_field()
    data = country.plant(name, snapshot, "snapshot")
    stamp.signed.snapshot_meta = type(stamp.signed.snapshot_meta).from_data(
        snapshot.signed.version, data, ["sha256"]
    )
    stamp.signed.version += 1
    stamp.signed.unrecognized_fields[LOG_FIELD] = state.copy_for_timestamp().to_field()
    country.plant("timestamp.json", stamp, "timestamp")


def test_entries_that_were_never_logged(country: Country) -> None:
    """The snapshot lists an entry that the signed tree does not have."""
    assert country.read() == OLD
    country.show(NEW)
    state = logged_state(country)
    lie = replace(state.entries[0], length=1)
    _sign(country, replace(state, entries=(lie, *state.entries[1:])))
    assert country.read() == NEW, "what the tiles prove counts, not the list"


def test_another_tree_than_the_snapshot_says(country: Country) -> None:
    """A key of timestamp alone was stolen: it says another tree than the snapshot."""
    assert country.read() == OLD
    country.show(NEW)
    stamp = country.held("timestamp.json")
    stamp.signed.unrecognized_fields[LOG_FIELD]["root"] = "0" * 64
    stamp.signed.version += 1
    country.plant("timestamp.json", stamp, "timestamp")
    with pytest.raises(VerificationError, match="something else of the channel's log"):
        country.read()


def test_a_timestamp_renewed_by_an_older_pe_dvc(country: Country) -> None:
    """It leaves its copy out; the snapshot that it names says the rest."""
    assert country.read() == OLD
    stamp = country.held("timestamp.json")
    del stamp.signed.unrecognized_fields[LOG_FIELD]
    stamp.signed.version += 1
    country.plant("timestamp.json", stamp, "timestamp")
    assert country.read() == OLD
    country.show(NEW)
    assert country.read() == NEW


def grown(country: Country, count: int = 3) -> None:
    """Publish so often that the snapshot alone does not show that the log has grown."""
    for number in range(count):
        country.show(pointer("cps_2024", f"in between {number}"))
    country.show(NEW)


def _tiles(country: Country) -> list[str]:
    return [key for key in country.store.objects if "/log/tile/" in key]


def test_tiles_missing(both: Country) -> None:
    assert both.read() == OLD
    grown(both)
    held = {key: both.store.objects.pop(key) for key in _tiles(both)}
    with pytest.raises(VerificationError, match="cannot be verified") as caught:
        both.read()
    assert not isinstance(caught.value, EquivocationError)
    assert "fsck --repair" in str(caught.value.remedy)
    both.store.objects.update(held)
    assert both.read() == NEW


def test_tiles_altered(both: Country) -> None:
    """By who can write to the bucket and has no key: nobody is accused."""
    assert both.read() == OLD
    grown(both)
    held = {key: both.store.objects[key] for key in _tiles(both)}
    for change in (_other_hashes, _shorter, _html):
        both.store.objects.update({key: change(data) for key, data in held.items()})
        with pytest.raises(VerificationError, match="are not those of the log") as caught:
            both.read()
        assert not isinstance(caught.value, EquivocationError)
    assert not both.evidence()
    both.store.objects.update(held)
    assert both.read() == NEW


def _other_hashes(data: bytes) -> bytes:
    return bytes(byte ^ 1 for byte in data)


def _shorter(data: bytes) -> bytes:
    return data[:-1]


def _html(data: bytes) -> bytes:
    return b"<html>" * 100_000


class Silent(WrappedStore):
    """Answers nothing about the log."""

    def read(self, key: str, *, limit: int) -> tuple[bytes, ObjectInfo]:
        if "/log/" in key:
            raise StoreUnavailableError("no answer", operation="read", key=key)
        return super().read(key, limit=limit)


def test_tiles_that_cannot_be_fetched(both: Country) -> None:
    assert both.read() == OLD
    grown(both)
    where = both.base / "state/mine"
    client = ChannelClient(Silent(both.store), "us", both.pinned, where, lock_timeout=5)
    with pytest.raises(StoreUnavailableError):
        client.lookup("latest", "cps_2024")
    assert both.read(offline=True) == OLD
    assert both.read() == NEW


def test_replay_of_an_old_timestamp(country: Country) -> None:
    """After the keys were replaced, for readers who know the new root and not the log of today."""
    assert country.read() == OLD
    country.show(NEW)
    assert country.read() == NEW
    stamp = country.held("timestamp.json")
    country.rotate("timestamp", "snapshot")
    country.publish()
    _sign(country, replace(country.log.state(3), after=1, index={}))
    country.held("timestamp.json")
    assert stamp.signed.version
    with pytest.raises(EquivocationError, match="shows log 1 of us with 3 entries"):
        country.read()


def test_a_thief_who_adds_to_the_log_leaves_a_trace(both: Country) -> None:
    """The known limit: what is only added is believed. It stays in the log for ever after."""
    assert both.read() == OLD
    both.update(FORGED)
    data = both.files.read_bytes("latest")
    both.store.objects[
        both.key(f"{both.files.read('latest', Targets).signed.version}.latest.json")
    ] = data
    both.point_at({"latest": data})
    assert both.read() == FORGED
    state = logged_state(both)
    assert state.size == len(both.log.leaves) + 1
    both.show(NEWEST)
    assert both.read("new") == NEWEST
    with pytest.raises(EquivocationError):  # this log leaves out what the thief has shown
        both.read()


# What is lawful.


def test_growth(both: Country) -> None:
    assert both.read() == OLD
    for number in range(5):
        both.show(pointer("cps_2024", str(number)))
        if number % 2:
            assert both.read() == pointer("cps_2024", str(number))
    grown(both)
    assert both.read() == NEW
    assert both.read("new") == NEW


def test_growth_by_one_publication_reads_no_tile(both: Country) -> None:
    both.read()
    for one in (NEW, NEWEST, OLD):
        both.show(one)
        both.store.clear_record()
        assert both.read() == one
        assert not both.tiles_read


def test_nothing_new_asks_nothing_more(both: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    both.read()
    asked: list[str] = []
    load = TufReader.load

    def noted(self: TufReader, role: str, shown: Any) -> Any:
        asked.append(role)
        return load(self, role, shown)

    monkeypatch.setattr(TufReader, "load", noted)
    both.store.clear_record()
    assert both.read() == OLD
    assert not asked
    assert [key for _, key in both.store.log] == [
        both.key("2.root.json"),
        both.key("timestamp.json"),
    ]


def test_a_renewed_timestamp_reads_no_tile(both: Country) -> None:
    both.read()
    stamp = both.held("timestamp.json")
    stamp.signed.version += 1
    both.plant("timestamp.json", stamp, "timestamp")
    both.store.clear_record()
    assert both.read() == OLD
    assert not both.tiles_read
    both.store.clear_record()
    assert both.read() == OLD
    assert len(both.store.log) == 2, "it is what is remembered now"


@pytest.mark.parametrize("count", [10, 1000])
def test_requests_to_see_that_a_long_log_has_grown(tmp_path: Path, count: int) -> None:
    country = made(tmp_path, before=count)
    country.read()
    grown(country, 20)
    country.store.clear_record()
    assert country.read() == NEW
    assert len(country.tiles_read) <= 6, country.tiles_read


def test_keys_of_snapshot_and_timestamp_are_replaced(both: Country) -> None:
    both.read()
    both.rotate("snapshot", "timestamp")
    both.show(NEW)
    assert both.read() == NEW
    rewrite(both)
    with pytest.raises(EquivocationError):
        both.read()


def begin_again(country: Country, number: int) -> None:
    """Sign a root that begins another log."""
    root = country.files.read("root", Root)
    root.signed.version += 1
    root.signed.unrecognized_fields[LOG_FIELD] = {"number": number}
    root.signatures.clear()
    root.sign(country.signer("root"))
    country.files.write("root", root)
    country.log = HandLog(country, number)


def test_a_new_log_under_a_new_root(both: Country) -> None:
    assert both.read() == OLD
    rewrite(both)
    refused(both)
    both.rotate("snapshot", "timestamp")
    begin_again(both, 2)
    both.show(NEW)
    assert both.read() == NEW
    assert both.read() == NEW
    assert both.read("new") == NEW
    grown(both)
    assert both.read() == NEW


def test_the_old_log_while_its_root_is_new_already(both: Country) -> None:
    """The root is published first; the timestamp is of the old log for a moment."""
    before = dict(both.store.objects)
    both.read()
    begin_again(both, 2)
    both.publish()
    new_root = both.store.objects[both.key("2.root.json")]
    both.store.restore(before | {both.key("2.root.json"): new_root})
    assert both.read() == OLD
    assert both.read("new") == OLD
    both.show(NEW, timestamp=1)
    assert both.read() == NEW
    assert both.read("new") == NEW
    both.store.restore(before | {both.key("2.root.json"): new_root})
    stamp = both.held("timestamp.json")
    stamp.signed.version += 20
    both.plant("timestamp.json", stamp, "timestamp")
    with pytest.raises(PeDvcError):  # not the old log again
        both.read()


def test_a_new_log_that_no_root_began(country: Country) -> None:
    country.read()
    country.log = HandLog(country, 2)
    country.show(NEW, timestamp=1)
    with pytest.raises(VerificationError, match="Only the holders of the offline root keys") as no:
        country.read()
    assert not isinstance(no.value, EquivocationError)
    with pytest.raises(VerificationError, match="by its newest root the country is at log 1"):
        country.read("new")


def test_a_bucket_without_a_log(tmp_path: Path) -> None:
    country = Country(tmp_path)
    country.update(OLD)
    country.publish()
    _drop(country)
    assert country.read() == OLD
    assert not [*tmp_path.glob("state/mine/channels/*/*/log.json")]


def test_a_bucket_whose_log_began_later(tmp_path: Path) -> None:
    country = Country(tmp_path)
    country.update(OLD)
    country.publish()
    _drop(country)
    assert country.read() == OLD
    assert country.read() == OLD
    country.log = HandLog(country)
    country.show(NEW)
    assert country.read() == NEW
    assert country.read() == NEW
    rewrite(country)
    with pytest.raises(EquivocationError):
        country.read()


def test_offline_after(both: Country) -> None:
    both.read()
    assert both.read(offline=True) == OLD
    grown(both)
    assert both.read() == NEW
    both.store.restore({})
    assert both.read(offline=True) == NEW


def test_offline_after_an_older_pe_dvc_read_what_was_rewritten(country: Country) -> None:
    """It shares the state directory, accepts the thief's history, and remembers no log."""
    country.read()
    kept = country.remembered()
    memory = kept.read_bytes()
    rewrite(country)
    kept.unlink()
    for file in kept.parent.glob("accepted/*"):
        file.unlink()
    assert country.read() == FORGED  # what one without memory takes
    kept.write_bytes(memory)
    with pytest.raises(VerificationError, match="was not held to their log"):
        country.read(offline=True)
    with pytest.raises(EquivocationError):
        country.read()


def test_what_an_older_pe_dvc_accepted_is_remembered(both: Country) -> None:
    """Who upgrades begins with what was read before, not anew."""
    both.read()
    both.remembered().unlink()
    rewrite(both)
    with pytest.raises(EquivocationError, match="accepted"):
        both.read()


def test_memory_damaged(country: Country) -> None:
    country.read()
    stamp = {"signed": {LOG_FIELD: {"size": 1, "root": "00" * 32}}}  # without a version
    one = ShownLog(json.dumps(stamp).encode(), b"", "here").to_json()
    short = json.dumps({"publications": [one]}).encode()
    for data in (b"", b"[]", b'{"publications": [{}]}', b'{"publications": 3}', short):
        country.remembered().write_bytes(data)
        with pytest.raises(PeDvcError, match=r"log\.json"):
            country.read()


def test_two_readers_of_one_state_directory(both: Country) -> None:
    """Each is a process of its own, as far as what it knows goes."""
    clients = [both.client("mine") for _ in range(2)]
    assert clients[0].lookup("latest", "cps_2024") == OLD
    grown(both)
    assert clients[1].lookup("latest", "cps_2024") == NEW
    assert clients[0].lookup("latest", "cps_2024") == OLD, "its view is one"
    assert clients[0].revocations() == {}
    rewrite(both)
    for client in (both.client("mine"), both.client("mine")):
        with pytest.raises(EquivocationError):
            client.lookup("latest", "cps_2024")


def test_memory_is_its_users_alone(country: Country) -> None:
    country.read()
    assert country.remembered().stat().st_mode & 0o777 == 0o600


# Several stores, and what others saw.


def mirror_of(country: Country, url: str = "memory://mirror") -> RecordingStore:
    """Another store with the same objects."""
    memory = MemoryStore(url)
    memory.objects.update(country.store.objects)
    return RecordingStore.of(memory)


def read_all(country: Country, *stores: ReadableStore, state: str = "mine") -> Pointer | None:
    several = SeveralStores(stores, lambda note: None)
    where = country.base / "state" / state
    client = ChannelClient(several, "us", country.pinned, where, lock_timeout=5)
    return client.lookup("latest", "cps_2024")


def test_root_of_one_mirror_differs(both: Country) -> None:
    """Two stores show logs of one size, in timestamps of different versions."""
    mirror = mirror_of(both)
    both.log.leaves.append(replace(filler(1, start=3000)[0], length=9))
    both.show(NEW)
    good, mine = both.store, HandLog(both)
    both.store = mirror
    mine.leaves = filler(len(both.log.leaves) - 6, start=9000)
    mine.after = 1
    mine.add(timestamp=7)
    assert logged_state(both).size == len(both.log.leaves)
    both.store = good
    for state in ("mine", "new"):
        with pytest.raises(EquivocationError) as caught:
            read_all(both, good, mirror, state=state)
        assert {caught.value.first, caught.value.second} == {good.url, mirror.url}
    assert {path.name.partition(".")[0] for path in both.evidence()} >= {"timestamp", "log"}


def test_mirror_that_is_behind_in_another_history(both: Country) -> None:
    """Versions and sizes differ, so that only the tiles tell."""
    mirror = mirror_of(both)
    grown(both)
    good, both.store = both.store, mirror
    thief = HandLog(both, leaves=filler(len(both.log.leaves) - 8, start=9000))
    thief.after = 1
    thief.add(timestamp=1)
    assert logged_state(both).size < len(both.log.leaves)
    both.store = good
    with pytest.raises(EquivocationError):
        read_all(both, good, mirror)


def test_mirror_that_is_behind(both: Country) -> None:
    """It is no fault, and costs a look at the tiles once."""
    mirror = mirror_of(both)
    grown(both)
    assert read_all(both, both.store, mirror) == NEW
    both.store.clear_record()
    assert read_all(both, both.store, mirror) == NEW
    assert not both.tiles_read


def test_tiles_that_one_store_lacks_or_alters(both: Country) -> None:
    """They are taken from the next, and no one is accused."""
    assert read_all(both, both.store, mirror_of(both)) == OLD
    grown(both)
    mirror = mirror_of(both)
    for key in _tiles(both):
        both.store.objects[key] = b"altered"
    assert read_all(both, both.store, mirror) == NEW
    for key in _tiles(both):
        del both.store.objects[key]
    assert read_all(both, both.store, mirror, state="new") == NEW
    assert not both.evidence()


def test_what_one_store_showed_binds_the_other(both: Country) -> None:
    """A reader of the bucket is not shown another past by its mirror later."""
    assert read_all(both, both.store, mirror_of(both)) == OLD
    mirror = mirror_of(both)
    good, both.store = both.store, mirror
    rewrite(both)
    both.store = good
    where = both.base / "state/mine"
    with pytest.raises(EquivocationError):
        ChannelClient(mirror, "us", both.pinned, where, lock_timeout=5).lookup("latest", "cps_2024")


def test_two_states_that_are_found_to_be_one(both: Country) -> None:
    """Bucket and mirror were read apart: what either showed must be continued."""
    mirror = mirror_of(both)
    grown(both)
    assert both.read() == NEW
    good, both.store = both.store, mirror
    rewrite(both, more=4)
    assert both.read() == FORGED, "it is another store, of which nothing is known"
    both.store = good
    grown(both)
    with pytest.raises(EquivocationError):
        read_all(both, good, mirror_of(both, "memory://third"), mirror)
    assert len(both.evidence()) >= 3


def test_a_fork_shown_to_a_clone_and_to_a_reader(both: Country) -> None:
    """Two people compare: one's last publication is given to the other."""
    assert both.read() == OLD
    before = dict(both.store.objects)
    grown(both)
    theirs = SeenPublication(
        country="us",
        stores=(place_name(both.store.url),),
        timestamp=both.store.objects[both.key("timestamp.json")],
        snapshot=_snapshot(both),
    ).to_bytes()
    version = both.held("timestamp.json").signed.version
    seen = SeenFile(version=version, place="their/seen.json", read=lambda: theirs)

    def compared(state: str) -> Pointer | None:
        where = both.base / "state" / state
        client = ChannelClient(both.store, "us", both.pinned, where, seen=[seen], lock_timeout=5)
        return client.lookup("latest", "cps_2024")

    assert compared("mine") == NEW
    both.store.restore(before)
    for number in range(5):
        both.update(pointer("cps_2024", f"another past {number}"))
        both.publish()
    rewrite(both, more=40)
    for state in ("mine", "new"):
        with pytest.raises(EquivocationError):
            compared(state)
    assert both.read("another") == FORGED
    with pytest.raises(EquivocationError):
        both.read("new")  # what the clone brought is remembered


def _snapshot(country: Country) -> bytes:
    version = country.held("timestamp.json").signed.snapshot_meta.version
    return country.store.objects[country.key(f"{version}.snapshot.json")]


def test_a_fork_is_found_by_who_verifies_the_mirror(both: Country) -> None:
    mirror = mirror_of(both)
    good, both.store = both.store, mirror
    assert faults_of_mirror(both, mirror, good) == []
    rewrite(both, more=4)
    both.store = good
    grown(both)
    [fault] = faults_of_mirror(both, mirror, good)
    assert fault.what == "history"
    assert good.url in fault.detail
    assert mirror.url in fault.detail


def test_a_mirror_without_files_of_the_log(both: Country) -> None:
    mirror = mirror_of(both)
    grown(both)
    assert faults_of_mirror(both, mirror, both.store) == []
    for key in [key for key in mirror.objects if "/log/tile/0/" in key]:
        mirror.objects[key] = bytes(len(mirror.objects[key]))
    altered = faults_of_mirror(both, mirror, both.store)
    assert {fault.what for fault in altered} == {"the log of all that was published"}
    for key in [key for key in mirror.objects if "/log/" in key]:
        del mirror.objects[key]
    assert faults_of_mirror(both, mirror, both.store)


def faults_of_mirror(country: Country, mirror: Store, origin: Store) -> list[Lacking]:
    """What ``pe-dvc mirror verify`` says of its log."""
    roots = country.metadata.root_files
    check = verify_mirror(
        mirror, "us", roots, Selection(), name="backup", origin=origin, now=datetime.now(UTC)
    )
    return [fault for fault in check.faults if "log" in fault.what or fault.what == "history"]
