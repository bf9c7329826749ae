"""A reader who comes back to what has not changed loads no python-tuf, and believes no more.

Each test is an attack on that way, or a change that it must not miss: then python-tuf is asked.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.documents.revocation import Revocation
from pe_dvc.primitives.errors import (
    ExpiredError,
    NotPublishedError,
    PeDvcError,
    RollbackError,
    StoreUnavailableError,
    VerificationError,
)
from pe_dvc.trust.bucket_identity import place_name
from pe_dvc.trust.bucket_writer import bucket_of
from pe_dvc.trust.client import ChannelClient
from pe_dvc.trust.seen import SeenFile
from pe_dvc.trust.tuf_api import MetaFile, Root
from pe_dvc.trust.tuf_reader import TufReader
from pe_dvc.usecases.publish.seen import read_back
from tests.support.simulator import NOW, Simulator, days, pointer
from tests.support.stores import WrappedStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pe_dvc.store.port import ObjectInfo

pytestmark = pytest.mark.usefixtures("each_bucket")

OLD, NEW = pointer("cps_2024", "old"), pointer("cps_2024", "new")
ROLES = ("timestamp", "snapshot", "targets", "latest", "revoked")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The roles that python-tuf was asked for."""
    found: list[str] = []
    load = TufReader.load

    def noted(self: TufReader, role: str, shown: Any) -> Any:
        found.append(role)
        return load(self, role, shown)

    monkeypatch.setattr(TufReader, "load", noted)
    return found


@pytest.fixture
def warm(tmp_path: Path, asked: list[str]) -> Simulator:
    """A country, and a reader ``warm`` who has read what is published."""
    made = Simulator(tmp_path)
    made.update(NEW)
    made.publish()
    read(made)
    asked.clear()
    return made


def read(sim: Simulator) -> object:
    client = sim.client("warm")
    return client.lookup("latest", "cps_2024"), client.revocations()


def lineage(sim: Simulator) -> Path:
    (found,) = (path for path in sim.base.glob("state/warm/channels/*/*") if path.is_dir())
    return found


def at(moment: datetime.datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime.datetime:  # type: ignore[override]
            return moment

    monkeypatch.setattr(datetime, "datetime", Clock)


def test_unchanged(warm: Simulator, asked: list[str]) -> None:
    warm.store.clear_record()
    assert read(warm) == (NEW, {})
    assert not asked
    keys = [key for _, key in warm.store.log]
    assert keys == [warm.key("2.root.json"), warm.key("timestamp.json")]


def test_it_says_when_it_was_verified(warm: Simulator, asked: list[str]) -> None:
    stamp = lineage(warm) / "accepted/timestamp.json"
    os.utime(stamp, (0, 0))
    read(warm)
    assert not asked
    assert warm.client("warm").verified_at() > datetime.datetime.now(datetime.UTC) - days(1)


def test_a_role_that_was_never_published(tmp_path: Path, asked: list[str]) -> None:
    sim = Simulator(tmp_path)
    sim.update(NEW)
    sim.publish()
    sim.client("warm").lookup("latest", "cps_2024")
    asked.clear()
    listed = json.loads((lineage(sim) / "snapshot.json").read_bytes())["signed"]["meta"]
    client = sim.client("warm")
    for role in ("next", "releases", "revoked"):
        if f"{role}.json" not in listed:
            with pytest.raises(NotPublishedError):
                client._role(role)
    assert client.lookup("latest", "cps_2024") == NEW


def other_bytes(data: bytes) -> bytes:
    return re.sub(rb'"version": [0-9]+', b'"version": 9', data)


def evil(data: bytes) -> bytes:
    return data.replace(str(NEW.sha256).encode(), str(OLD.sha256).encode())


def one_signature_less(data: bytes) -> bytes:
    document = json.loads(data)
    document["signatures"] = []
    return json.dumps(document).encode()


def later_expiry(data: bytes) -> bytes:
    return data.replace(b'"expires": "20', b'"expires": "21')


def empty(data: bytes) -> bytes:
    return b""


def garbage(data: bytes) -> bytes:
    return b"\xff{"


ALTERATIONS = [other_bytes, one_signature_less, later_expiry, empty, garbage]


@pytest.mark.parametrize(
    ("role", "change"),
    [("latest", evil), *((role, change) for role in ROLES for change in ALTERATIONS)],
)
def test_local_state_altered(
    warm: Simulator, asked: list[str], role: str, change: Callable[[bytes], bytes]
) -> None:
    """Nothing of it is believed: python-tuf reads it anew from the store."""
    file = lineage(warm) / f"{role}.json"
    altered = change(file.read_bytes())
    assert altered != file.read_bytes()
    file.write_bytes(altered)
    assert read(warm) == (NEW, {})
    assert asked
    asked.clear()
    assert read(warm) == (NEW, {})
    assert not asked


@pytest.mark.parametrize("change", ALTERATIONS)
def test_local_root_altered(
    warm: Simulator, asked: list[str], change: Callable[[bytes], bytes]
) -> None:
    file = lineage(warm) / "root_history/1.root.json"
    file.write_bytes(change(file.read_bytes()))
    assert read(warm) == (NEW, {})
    assert asked


@pytest.mark.parametrize("role", ROLES)
def test_local_state_gone(warm: Simulator, asked: list[str], role: str) -> None:
    (lineage(warm) / f"{role}.json").unlink()
    assert read(warm) == (NEW, {})
    assert asked


def test_local_state_that_was_never_held_to_the_log(warm: Simulator, asked: list[str]) -> None:
    """As an older pe_dvc leaves it, or who removes what was remembered of the log."""
    remembered = lineage(warm) / "log.json"
    remembered.unlink()
    assert read(warm) == (NEW, {})
    assert asked
    assert remembered.exists()


def test_local_state_whose_log_is_yet_to_be_checked(warm: Simulator, asked: list[str]) -> None:
    """As of what came with a clone, of which no more than its signatures was verified."""
    remembered = lineage(warm) / "log.json"
    document = json.loads(remembered.read_bytes())
    for one in document["publications"]:
        one["checked"] = False
    remembered.write_text(json.dumps(document))
    assert read(warm) == (NEW, {})
    assert asked
    assert json.loads(remembered.read_bytes())["publications"][0]["checked"]


def test_local_state_of_an_attackers_keys(
    warm: Simulator, asked: list[str], tmp_path: Path
) -> None:
    """Another country's whole state, signed by keys of its own, also with its root as the next."""
    other = Simulator(tmp_path / "other")
    other.update(OLD)
    other.publish()
    read(other)
    for root in ("1.root.json", "2.root.json"):
        link = shutil.ignore_patterns("root.json")
        shutil.copytree(lineage(other), lineage(warm), dirs_exist_ok=True, ignore=link)
        (lineage(warm) / "root_history/1.root.json").rename(lineage(warm) / f"root_history/{root}")
        if root == "2.root.json":
            (lineage(warm) / "root_history/1.root.json").write_bytes(warm.pinned)
        asked.clear()
        with suppress(PeDvcError):
            assert read(warm) == (NEW, {})
        assert asked


def test_another_lineage_beside_it(warm: Simulator, asked: list[str]) -> None:
    shutil.copytree(lineage(warm), lineage(warm).with_name("0" * 16), symlinks=True)
    assert read(warm) == (NEW, {})
    assert asked


@pytest.mark.parametrize(
    ("later", "role"), [(14, "timestamp"), (30, "timestamp"), (366, "root"), (400, "root")]
)
def test_expired(
    warm: Simulator,
    asked: list[str],
    later: int,
    role: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at(NOW + days(later) + datetime.timedelta(seconds=1), monkeypatch)
    with pytest.raises(ExpiredError, match=f"{role} version 1 expired"):
        read(warm)
    assert asked


@pytest.mark.parametrize("role", ["snapshot", "targets", "latest", "revoked", "root"])
def test_each_expiry_counts(
    tmp_path: Path, asked: list[str], role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a role that expires before the timestamp does."""
    sim = Simulator(tmp_path)
    sim.update(NEW)
    sim.publish()
    soon = NOW + days(3)
    if role == "root":
        metadata = sim.files.read("root", Root)
        metadata.signed.expires = soon
        metadata.sign(sim.signer("root"))
        sim.files.write("root", metadata)
        sim.pinned = sim.files.read_bytes("root")
    elif role == "snapshot":
        snapshot = sim.held("1.snapshot.json")
        snapshot.signed.expires = soon
        sim.plant("1.snapshot.json", snapshot, "snapshot")
        _point_at_snapshot(sim, 1)
    else:
        (name,) = (key.rpartition("/")[2] for key in sim.store.objects if f".{role}.json" in key)
        held = sim.held(name)
        held.signed.expires = soon
        sim.point_at({role: sim.plant(name, held, role)})
    read(sim)
    asked.clear()
    read(sim)
    assert not asked
    at(soon + datetime.timedelta(seconds=1), monkeypatch)
    with pytest.raises(ExpiredError):
        read(sim)
    assert asked


def _point_at_snapshot(sim: Simulator, version: int) -> None:
    stamp = sim.held("timestamp.json")
    data = sim.store.objects[sim.key(f"{version}.snapshot.json")]
    stamp.signed.snapshot_meta = MetaFile.from_data(version, data, ["sha256"])
    sim.plant("timestamp.json", stamp, "timestamp")


def test_a_new_version(warm: Simulator, asked: list[str]) -> None:
    warm.update(OLD)
    warm.publish()
    warm.store.clear_record()
    assert read(warm) == (OLD, {})
    assert asked
    keys = [key for _, key in warm.store.log]
    assert len(keys) == len(set(keys))  # what was shown is not asked for again


def test_a_new_root_that_takes_away_the_keys(warm: Simulator, asked: list[str]) -> None:
    """The thief still shows the old timestamp, which the old keys signed."""
    before = warm.store.objects[warm.key("timestamp.json")]
    warm.rotate("timestamp", "snapshot")
    warm.publish()
    warm.store.objects[warm.key("timestamp.json")] = before
    with pytest.raises(VerificationError):
        read(warm)
    assert asked


def test_a_next_root_that_does_not_follow(warm: Simulator, asked: list[str]) -> None:
    warm.store.objects[warm.key("2.root.json")] = b"garbage"
    with pytest.raises(PeDvcError):
        read(warm)
    assert asked


def test_after_a_new_root_it_is_plain_again(warm: Simulator, asked: list[str]) -> None:
    warm.rotate("timestamp")
    warm.publish()
    assert read(warm) == (NEW, {})
    asked.clear()
    warm.store.clear_record()
    assert read(warm) == (NEW, {})
    assert not asked
    assert [key for _, key in warm.store.log] == [
        warm.key("3.root.json"),
        warm.key("timestamp.json"),
    ]


def test_rollback(warm: Simulator, asked: list[str]) -> None:
    before = dict(warm.store.objects)
    warm.update(OLD)
    warm.publish()
    read(warm)
    warm.store.restore(before)
    with pytest.raises(RollbackError):
        read(warm)


def test_rollback_of_state_and_store(warm: Simulator, asked: list[str]) -> None:
    """The state's owner set it back, the store shows the same: a publication seen tells."""
    before = dict(warm.store.objects)
    warm.update(OLD)
    warm.publish()
    seen = read_back(bucket_of(warm.store, warm.metadata), [place_name(warm.store.url)])
    assert seen is not None
    warm.store.restore(before)
    data = seen.to_bytes()
    file = SeenFile(version=seen.versions.timestamp, place="clone/seen.json", read=lambda: data)

    def reader(*files: SeenFile) -> ChannelClient:
        where = warm.base / "state/warm"
        return ChannelClient(warm.store, "us", warm.pinned, where, seen=files, lock_timeout=5)

    assert reader().lookup("latest", "cps_2024") == NEW
    assert not asked
    with pytest.raises(RollbackError):
        reader(file).lookup("latest", "cps_2024")
    assert asked


def test_what_others_saw_and_is_older_or_the_same_needs_no_python_tuf(
    warm: Simulator, asked: list[str]
) -> None:
    seen = read_back(bucket_of(warm.store, warm.metadata), [place_name(warm.store.url)])
    assert seen is not None
    data = seen.to_bytes()
    same = SeenFile(version=1, place="clone/seen.json", read=lambda: data)

    def reader() -> ChannelClient:
        where = warm.base / "state/warm"
        return ChannelClient(warm.store, "us", warm.pinned, where, seen=[same], lock_timeout=5)

    assert reader().lookup("latest", "cps_2024") == NEW
    assert not asked
    warm.update(OLD)
    warm.publish()
    assert reader().lookup("latest", "cps_2024") == OLD
    asked.clear()
    assert reader().lookup("latest", "cps_2024") == OLD
    assert not asked


class Silent(WrappedStore):
    def read(self, key: str, *, limit: int) -> tuple[bytes, ObjectInfo]:
        raise StoreUnavailableError("no answer", operation="read", key=key)


def test_a_store_that_does_not_answer(warm: Simulator, asked: list[str]) -> None:
    with pytest.raises(StoreUnavailableError):
        warm.client("warm", store=Silent(warm.store)).lookup("latest", "cps_2024")
    assert not asked


def test_withdrawn_since(warm: Simulator, asked: list[str]) -> None:
    withdrawn = Revocation(
        country="us",
        name=NEW.name,
        sha256=NEW.sha256,
        size=NEW.size,
        reason="its licence ended",
        authority="the stewards",
        revoked=NOW,
    )
    warm.revoke(withdrawn)
    warm.publish()
    assert read(warm) == (NEW, {NEW.sha256: withdrawn})
    assert asked
    asked.clear()
    assert read(warm) == (NEW, {NEW.sha256: withdrawn})
    assert not asked


def evil_latest(sim: Simulator, *signed_by: str) -> bytes:
    """The channel's current version with another pointer, signed by these roles' keys."""
    (name,) = (key.rpartition("/")[2] for key in sim.store.objects if ".latest.json" in key)
    good = sim.store.objects[sim.key(name)]
    held = sim.held(name)
    held.signed.targets[NEW.target_path].hashes["sha256"] = str(OLD.sha256)
    data = sim.plant(name, held, *signed_by)
    sim.store.objects[sim.key(name)] = good
    return data


def test_local_channel_with_the_stolen_key_of_the_channel(
    warm: Simulator, asked: list[str]
) -> None:
    """It is signed, and not what the snapshot lists."""
    (lineage(warm) / "latest.json").write_bytes(evil_latest(warm, "latest"))
    assert read(warm) == (NEW, {})
    assert asked


def test_local_channel_with_the_stolen_online_keys(warm: Simulator, asked: list[str]) -> None:
    """It is what the snapshot lists, and not signed by the channel's key."""
    data = evil_latest(warm, "snapshot")
    warm.point_at({"latest": data})
    stamp = warm.held("timestamp.json").signed
    snapshot = warm.key(f"{stamp.snapshot_meta.version}.snapshot.json")
    state = lineage(warm)
    (state / "latest.json").write_bytes(data)
    (state / "snapshot.json").write_bytes(warm.store.objects[snapshot])
    (state / "timestamp.json").write_bytes(warm.store.objects[warm.key("timestamp.json")])
    with pytest.raises(VerificationError):
        read(warm)
    assert asked
