"""After a theft of online keys: one recovery, one push, and every reader has the maintainer's data.

The thief publishes, takes the next versions' names and goes on writing to the bucket afterwards.
"""

from __future__ import annotations

import itertools
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import ConflictError, PeDvcError, VerificationError
from pe_dvc.usecases.channel.history import ChannelHistory
from pe_dvc.usecases.channel.log import first_break
from pe_dvc.usecases.channel.standing import standing
from tests.support import simulator
from tests.support.memory_store import MemoryStore
from tests.support.s3_objects import recording_bucket
from tests.support.servers import S3Bucket
from tests.support.simulator import NOW, Simulator, days, pointer
from tests.support.stores import RecordingStore
from tests.support.thief import HUGE, Thief, directory_bucket, recover

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pe_dvc.usecases.channel.version import Version
    from tests.support.servers import S3Endpoint

NEW, EVIL, OURS = (pointer("cps_2024", word) for word in ("new", "evil", "ours"))
REST = pointer("states/AL")
READERS = ("knowing", "fooled", "rotated", None)
"""Who has seen the channel long ago, the thief's data, the rotation; and who has seen nothing."""


@pytest.fixture(params=["memory", "directory", "s3"])
def country(
    request: pytest.FixtureRequest,
    published_simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Simulator:
    """A country whose ``latest`` is at version 3; the reader ``knowing`` has seen version 2."""

    numbers = itertools.count(1)

    def new_store() -> RecordingStore:
        if request.param == "s3":
            server: S3Endpoint = request.getfixturevalue("s3_server")
            return recording_bucket(S3Bucket(server, server.new_bucket()))
        if request.param == "directory":
            return directory_bucket(tmp_path / f"bucket-{next(numbers)}")
        return RecordingStore.of(MemoryStore())

    monkeypatch.setattr(simulator, "new_store", new_store)
    return published_simulator.copy(tmp_path / "country")


def read(sim: Simulator, reader: str | None) -> object:
    return sim.client(reader).lookup("latest", "cps_2024")


def everyone_reads(sim: Simulator, wanted: object) -> None:
    for reader in READERS:
        assert read(sim, reader) == wanted, reader


def test_a_thief_publishes_and_one_recovery_brings_all_readers_back(country: Simulator) -> None:
    sim, thief = country, Thief(country)
    thief.publish(4, EVIL)
    thief.publish(5, EVIL)
    assert read(sim, "fooled") == EVIL, "the known limit: nothing tells the thief from CI"
    thief.squat(60, EVIL)
    thief.publish(70, EVIL, online=65)
    assert recover(sim).versions == {"root": 2, "targets": 3, "latest": 71}
    # One reader comes by when the new root is published and nothing below it yet.
    sim.store.after = lambda number, operation, key: _refused_once(sim, operation, key)
    sim.store.log.clear()
    published = sim.publish()
    sim.store.after = lambda number, operation, key: None
    assert len(sim.store.log) < 150, "however many names were taken"
    assert published.versions["latest"] == 71
    assert sim.key("2.root.json") in published.replaced
    assert sim.held("timestamp.json").signed.snapshot_meta.version == 66, "above all plausible ones"
    everyone_reads(sim, NEW)


def _refused_once(sim: Simulator, operation: str, key: str) -> None:
    if key == sim.key("2.root.json") and operation == "swap":
        hook, sim.store.after = sim.store.after, lambda number, operation, key: None
        with pytest.raises(VerificationError):
            read(sim, "rotated")
        sim.store.after = hook


@pytest.mark.parametrize("reads_bucket", [True, False], ids=["online", "offline"])
def test_nothing_of_the_thief_counts_afterwards(country: Simulator, reads_bucket: bool) -> None:
    """The offline machine may not see the bucket: then its versions are those that were taken."""
    sim, thief = country, Thief(country)
    thief.publish(4, EVIL)
    read(sim, "fooled")
    recover(sim, reads_bucket=reads_bucket)
    sim.publish()
    everyone_reads(sim, NEW)
    attacks: list[Callable[[], None]] = [
        lambda: thief.publish(80, EVIL),
        lambda: thief.publish(81, EVIL, online=HUGE),
        lambda: thief.squat(90),
        lambda: thief.put("timestamp.json", b"garbage"),
    ]
    for attack in attacks:
        attack()
        for reader in READERS[:3]:
            with suppress(PeDvcError):
                assert read(sim, reader) != EVIL
        sim.update(OURS, REST)
        sim.publish()
        everyone_reads(sim, OURS)


def test_a_publisher_in_the_middle_of_a_push_is_told_and_goes_on(country: Simulator) -> None:
    sim, thief = country, Thief(country)
    other = sim.clone("other")
    other.update(pointer("frs"), NEW, REST)

    def recovered(number: int, operation: str, key: str) -> None:
        if operation == "swap":
            sim.store.clear_record()
            thief.publish(5, EVIL)
            recover(sim)
            sim.publish()

    sim.store.before = recovered  # when the other's push is at its last step, the timestamp
    with pytest.raises(ConflictError, match="newer than root version 1") as told:
        other.publish()
    assert "git pull" in str(told.value.remedy)
    everyone_reads(sim, NEW)
    later = sim.clone("pulled")
    later.update(pointer("frs"), NEW, REST)
    later.publish()
    assert len(sim.client("fooled").pointers("latest")) == 3


def test_a_garbage_next_root_stops_no_publisher(country: Simulator) -> None:
    for stray in (b"not a root", sim_root_of_a_stranger(country)):
        country.store.objects[country.key("2.root.json")] = stray
        country.update(OURS, REST)
        assert country.publish().replaced == (country.key("2.root.json"),)
        assert read(country, None) == OURS
        country.update(NEW, REST)


def sim_root_of_a_stranger(sim: Simulator) -> bytes:
    stranger = Simulator(sim.base / "stranger")
    stranger.rotate("snapshot")
    return stranger.root


def test_a_killed_recovery_is_completed_by_the_next_push(country: Simulator) -> None:
    sim, thief = country, Thief(country)
    thief.publish(4, EVIL)
    read(sim, "fooled")
    thief.squat(20, EVIL)
    recover(sim)
    before = dict(sim.store.objects)

    for count in range(1, 100):
        sim.store.restore(before)
        sim.store.before = kill_at(count)
        try:
            sim.publish()
        except KilledError:
            sim.store.clear_record()
            sim.publish()
            assert read(sim, None) == NEW, f"killed at write {count}"
        else:
            break
    sim.store.clear_record()
    assert count == 11


class KilledError(Exception):
    """A publisher is killed."""


def kill_at(count: int) -> Callable[[int, str, str], None]:
    """Return what interferes before the write of that number."""
    writes = iter(range(1, 1000))

    def kill(number: int, operation: str, key: str) -> None:
        if operation in ("create", "swap", "overwrite", "delete") and next(writes) == count:
            raise KilledError

    return kill


def test_a_reviewers_key_the_releases_key_and_the_targets_key(country: Simulator) -> None:
    """A thief with one of these and the online keys; each is replaced, and all is whole again."""
    sim = country
    roles = ("latest", "snapshot", "timestamp", "next", "releases", "targets")
    thief = Thief(sim, *roles)
    thief.publish(2, pointer("cps_2024", "evil", channel="next"), role="next")
    assert len(sim.client("fooled").pointers("next")) == 1
    versions = recover(sim, roles).versions
    assert versions == {"root": 2, "targets": 2, "latest": 4, "next": 3, "releases": 2}
    sim.publish()
    for reader in ("knowing", "fooled", None):
        assert sim.client(reader).pointers("next") == []
        assert sim.client(reader).releases() == {}
    everyone_reads(sim, NEW)


def test_one_of_two_root_keys_and_all_below(tmp_path: Path) -> None:
    sim = Simulator(tmp_path, thresholds={"root": 2})
    sim.update(NEW, REST)
    sim.publish()
    thief = Thief(sim)
    thief.publish(3, EVIL)
    recover(sim, ("root", "latest", "snapshot", "timestamp"))
    sim.publish()
    assert read(sim, None) == NEW


def test_only_latests_key_was_stolen(country: Simulator) -> None:
    """An honest publisher built upon the thief's version before it was known."""
    sim, thief = country, Thief(country, "latest")
    with_all_keys = Thief(country, "latest", "snapshot", "timestamp")
    with_all_keys.publish(4, EVIL)
    assert read(sim, "fooled") == EVIL
    versions = recover(sim, ["latest"]).versions
    assert versions == {"targets": 2, "latest": 5}
    sim.publish()
    assert read(sim, "fooled") == read(sim, None) == NEW
    thief.channel(6, EVIL)
    sim.update(OURS, REST)
    assert sim.publish().replaced == (sim.key("6.latest.json"),)
    assert read(sim, "fooled") == OURS


def test_what_other_publishers_signed_with_keys_that_count_is_not_taken_back(
    country: Simulator,
) -> None:
    """The maintainer's clone lacks a version of next, whose key was not stolen."""
    other = country.clone("other")
    other.update(pointer("cps_2024", channel="next"), channel="next")
    other.publish()
    Thief(country).publish(4, EVIL)
    recover(country)
    with pytest.raises(ConflictError, match="next version 2, git holds version 1"):
        country.publish()


def test_a_directory_in_the_place_of_a_file(country: Simulator) -> None:
    sim = country
    sim.update(OURS, REST)
    for name in ("4.latest.json", "3.snapshot.json", "latest.json"):
        sim.store.objects.pop(sim.key(name), None)
        sim.store.objects[sim.key(f"{name}/a/b")] = b"in the way"
    sim.publish()
    assert read(sim, None) == OURS


def published_from_the_first(country: Simulator) -> Simulator:
    """Return a country like that one, but for version 1, which was published, too."""
    sim = Simulator(country.base / "whole")
    sim.publish()
    for content in ("old", "new"):
        sim.update(pointer("cps_2024", content), REST)
        sim.publish()
    return sim


def log_of(sim: Simulator, channel: str = "latest") -> dict[int, Version]:
    versions, broken = first_break(ChannelHistory(sim.store, "us", sim.pinned).versions(channel))
    assert broken is None, broken
    return {version.version: version for version in versions}


def test_the_log_tells_the_thiefs_versions_from_ours(country: Simulator) -> None:
    sim = published_from_the_first(country)
    thief, ours = Thief(sim), sim.signer("latest").public_key.keyid
    thief.publish(4, EVIL)
    before = log_of(sim)
    assert [before[number].note for number in (2, 3, 4)] == [None, None, None]
    assert before[4].signers == (ours,), "before the recovery nothing tells them apart"
    thief.squat(4, EVIL)
    recover(sim)
    sim.publish()
    told = log_of(sim)
    assert [number for number, version in told.items() if version.note is None] == [1, 2, 3, 8]
    assert "keys that no longer count" in str(told[4].note)
    assert told[4].signers == (ours,)
    assert told[4].signed_at == told[3].signed_at
    assert "not signed by any key" in str(told[HUGE].note)
    assert told[8].signers != (ours,)
    assert told[8].pointers["cps_2024"] == NEW


def test_the_log_of_a_bucket_whose_timestamp_is_a_thiefs(country: Simulator) -> None:
    sim = published_from_the_first(country)
    thief = Thief(sim)
    recover(sim)
    sim.publish()
    thief.put("timestamp.json", b"garbage")
    thief.put("3.root.json", b"garbage")
    history = ChannelHistory(sim.store, "us", sim.pinned)
    assert [version.version for version in history.versions("latest")] == [1, 2, 3, 4]
    assert "readers are refused until pe-dvc push" in str(history.remark)


def test_what_a_thief_left_stops_no_collector(country: Simulator) -> None:
    """Its versions promise nothing: what they point to need not be there."""
    sim, thief = country, Thief(country)
    thief.publish(4, EVIL)
    thief.squat(2)
    recover(sim)
    sim.publish()
    foreign = ChannelHistory(sim.store, "us", sim.root).foreign("latest")
    assert foreign == {sim.key(f"{number}.latest.json") for number in (4, 5, HUGE)}


def test_where_the_maintainer_stands(country: Simulator) -> None:
    def said() -> str:
        (sentence,) = standing(country.metadata, country.store, now=NOW).sentences
        return sentence

    assert said() == "readers see what git holds: latest 3, next 1"
    thief = Thief(country)
    thief.publish(4, EVIL)
    assert "readers see latest 4, signed by" in said()
    assert "run pe-dvc channel recover" in said()
    recover(country)
    assert "root 2 with the new keys is not published yet" in said()
    country.publish()
    assert said() == "readers see what git holds: latest 5, next 1"
    country.update(OURS, REST)
    assert said() == "latest 6 is not published yet, readers see 5"
    thief.put("timestamp.json", b"garbage")
    assert "readers are refused" in said()
    soon = standing(country.metadata, None, now=NOW + days(306)).sentences
    assert any(sentence.startswith("root expires on") for sentence in soon)
