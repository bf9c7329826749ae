"""A new reader who was given what others saw: each test is an attack that goes back behind it."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.metadata_fields import LOG_FIELD
from pe_dvc.primitives.errors import (
    EquivocationError,
    PeDvcError,
    RollbackError,
    VerificationError,
)
from pe_dvc.trust.bucket_identity import place_name
from pe_dvc.trust.bucket_writer import bucket_of
from pe_dvc.trust.client import ChannelClient
from pe_dvc.trust.seen import SeenFile, SeenPublication, SeenVersions
from pe_dvc.trust.tuf_api import Timestamp
from pe_dvc.usecases.publish.channel import publish_channels
from pe_dvc.usecases.publish.seen import read_back
from tests.support.browser_client import client_class
from tests.support.simulator import NOW, Simulator, days, pointer

if TYPE_CHECKING:
    from collections.abc import Callable

    from pe_dvc.usecases.publish.channel import PublishedChannels

pytestmark = pytest.mark.usefixtures("each_bucket")


@pytest.fixture(autouse=True)
def _both_clients(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over buckets in memory, the browser's client must come to the same verdict."""
    if request.node.callspec.params["each_bucket"] == "simulator":
        monkeypatch.setattr(f"{__name__}.ChannelClient", client_class())


NEW = pointer("cps_2024", "new")
NEWEST = pointer("cps_2024", "newest")


def seen_now(sim: Simulator) -> SeenPublication:
    """What a push keeps in the clone."""
    seen = read_back(bucket_of(sim.store, sim.metadata), [place_name(sim.store.url)])
    assert seen is not None
    return seen


def file_of(data: bytes, version: int = 2, name: str = "clone/seen.json") -> SeenFile:
    return SeenFile(version=version, place=name, read=lambda: data)


def carried(seen: SeenPublication) -> SeenFile:
    return file_of(seen.to_bytes(), seen.versions.timestamp)


def reader(sim: Simulator, *files: SeenFile, state: str = "new") -> ChannelClient:
    """A new process's reader; one that names no other ``state`` comes without any."""
    where = sim.base / "state" / state
    return ChannelClient(sim.store, "us", sim.pinned, where, seen=files, lock_timeout=5)


def old_state(sim: Simulator) -> dict[str, bytes]:
    """What an attacker copied, before the newest publication."""
    before = dict(sim.store.objects)
    sim.update(NEWEST, pointer("states/AL"))
    sim.publish()
    return before


def roll_back_everything(sim: Simulator, before: dict[str, bytes]) -> None:
    sim.store.restore(before)


def roll_back_the_timestamp(sim: Simulator, before: dict[str, bytes]) -> None:
    sim.store.objects[sim.key("timestamp.json")] = before[sim.key("timestamp.json")]


def name_an_older_snapshot(sim: Simulator, before: dict[str, bytes]) -> None:
    """With a stolen key of timestamp alone."""
    older = Timestamp.from_dict(json.loads(before[sim.key("timestamp.json")])["signed"])
    stamp = sim.held("timestamp.json")
    stamp.signed.version += 1
    stamp.signed.snapshot_meta = older.snapshot_meta
    sim.plant("timestamp.json", stamp, "timestamp")


def list_an_older_role(sim: Simulator, before: dict[str, bytes]) -> None:
    """With the stolen keys of snapshot and timestamp: only ``latest`` goes back."""
    sim.point_at({"latest": before[sim.key("3.latest.json")]})


@pytest.mark.parametrize(
    "attack",
    [
        roll_back_everything,
        roll_back_the_timestamp,
        name_an_older_snapshot,
        list_an_older_role,
    ],
)
def test_rollback_is_noticed_by_a_new_reader(
    sim: Simulator, attack: Callable[[Simulator, dict[str, bytes]], None]
) -> None:
    before = old_state(sim)
    good, seen = dict(sim.store.objects), carried(seen_now(sim))
    attack(sim, before)
    if attack is not name_an_older_snapshot:  # nobody else notices
        assert sim.client().lookup("latest", "cps_2024") == NEW
    with pytest.raises(RollbackError) as caught:
        reader(sim, seen).lookup("latest", "cps_2024")
    assert seen.place in str(caught.value.remedy)
    with pytest.raises(RollbackError):  # the state has it now
        reader(sim).lookup("latest", "cps_2024")
    with pytest.raises(PeDvcError, match="never"):
        ChannelClient(sim.store, "us", sim.pinned, sim.base / "state/new", offline=True).lookup(
            "latest", "cps_2024"
        )
    sim.store.restore(good)
    assert reader(sim, seen, state="later").lookup("latest", "cps_2024") == NEWEST


def test_a_role_that_is_hidden(sim: Simulator) -> None:
    seen = carried(seen_now(sim))
    snapshot = sim.held(f"{sim.held('timestamp.json').signed.snapshot_meta.version}.snapshot.json")
    del snapshot.signed.meta["revoked.json"]
    snapshot.signed.version += 1
    data = sim.plant(f"{snapshot.signed.version}.snapshot.json", snapshot, "snapshot")
    stamp = sim.held("timestamp.json")
    stamp.signed.version += 1
    stamp.signed.snapshot_meta = type(stamp.signed.snapshot_meta).from_data(
        snapshot.signed.version, data, ["sha256"]
    )
    sim.plant("timestamp.json", stamp, "timestamp")
    with pytest.raises(VerificationError):
        reader(sim, seen).lookup("latest", "cps_2024")


def test_another_document_of_the_same_version(sim: Simulator) -> None:
    """A holder of the keys shows the clone one history, and new readers another."""
    before = dict(sim.store.objects)
    sim.update(NEWEST)
    sim.publish()
    seen = carried(seen_now(sim))
    sim.store.restore(before)
    sim.point_at({})  # signed as the same version
    for _ in range(2):
        with pytest.raises(EquivocationError) as caught:
            reader(sim, seen).lookup("latest", "cps_2024")
        assert {caught.value.first, caught.value.second} == {sim.store.url, seen.place}


def test_keys_that_were_stolen_and_rotated_leave_no_floor(sim: Simulator) -> None:
    """A thief's seen file, of version 99999, was committed: the recovery counts all the same."""
    good = dict(sim.store.objects)
    sim.point_at({}, timestamp=99_990)
    thief = carried(seen_now(sim))
    sim.store.restore(good)
    sim.rotate("snapshot", "timestamp")
    sim.publish()
    assert sim.held("timestamp.json").signed.version < 100
    assert reader(sim, thief).lookup("latest", "cps_2024") == NEW


def test_a_floor_that_needs_a_root_which_the_reader_has_not_seen(sim: Simulator) -> None:
    """The pinned root is older than the keys that signed what was seen."""
    sim.rotate("snapshot", "timestamp")
    sim.publish()
    old = carried(seen_now(sim))
    before = old_state(sim)
    assert sim.metadata.root.signed.version == 2
    seen = carried(seen_now(sim))
    roll_back_everything(sim, before)
    with pytest.raises(RollbackError):
        reader(sim, old, seen).lookup("latest", "cps_2024")


def unsigned(seen: SeenPublication) -> bytes:
    document = json.loads(seen.to_bytes())
    document["timestamp"]["signed"]["version"] = 99_999
    return json.dumps(document).encode()


def without_signatures(seen: SeenPublication) -> bytes:
    document = json.loads(seen.to_bytes())
    document["timestamp"]["signatures"] = []
    return json.dumps(document).encode()


def with_another_snapshot(seen: SeenPublication) -> bytes:
    document = json.loads(seen.to_bytes())
    document["snapshot"]["signed"]["version"] += 1
    return json.dumps(document).encode()


def of_another_country(seen: SeenPublication) -> bytes:
    return replace(seen, country="uk").to_bytes()


def of_a_trial_bucket(seen: SeenPublication) -> bytes:
    return replace(seen, stores=("s3://trial",)).to_bytes()


def html(seen: SeenPublication) -> bytes:
    return b"<html>404</html>"


def a_list(seen: SeenPublication) -> bytes:
    return b"[[[[]]]]"


def stores_of_numbers(seen: SeenPublication) -> bytes:
    return json.dumps(json.loads(seen.to_bytes()) | {"stores": [1]}).encode()


def no_metadata(seen: SeenPublication) -> bytes:
    return json.dumps(json.loads(seen.to_bytes()) | {"timestamp": 3}).encode()


@pytest.mark.parametrize(
    "forge",
    [
        unsigned,
        without_signatures,
        with_another_snapshot,
        of_another_country,
        of_a_trial_bucket,
        html,
        a_list,
        stores_of_numbers,
        no_metadata,
    ],
)
def test_a_file_that_does_not_count_denies_nothing(
    sim: Simulator, forge: Callable[[SeenPublication], bytes]
) -> None:
    before = old_state(sim)
    seen = seen_now(sim)
    forged = file_of(forge(seen), 99_999)
    roll_back_everything(sim, before)
    assert reader(sim, forged).lookup("latest", "cps_2024") == NEW
    with pytest.raises(RollbackError):  # and hides no other
        reader(sim, forged, carried(seen), state="another").lookup("latest", "cps_2024")


def test_what_has_expired_is_a_floor_all_the_same(sim: Simulator) -> None:
    before = old_state(sim)
    stamp = sim.held("timestamp.json")
    stamp.signed.expires = NOW - days(60)
    sim.plant("timestamp.json", stamp, "timestamp")
    seen = carried(seen_now(sim))
    roll_back_everything(sim, before)
    with pytest.raises(RollbackError):
        reader(sim, seen).lookup("latest", "cps_2024")
    sim_publish(sim, SeenVersions(seen.version, seen.version))
    assert reader(sim, seen).lookup("latest", "cps_2024") == NEWEST


def test_a_state_that_knows_more_is_left_alone(sim: Simulator) -> None:
    older = carried(seen_now(sim))
    old_state(sim)
    reader(sim).lookup("latest", "cps_2024")
    (lineage,) = (sim.base / "state/new/channels").glob("*/*/timestamp.json")
    before = {path: path.read_bytes() for path in lineage.parent.rglob("*.json")}

    def never() -> bytes:
        raise AssertionError("the name says that it is older")

    unread = older._replace(read=never)
    assert reader(sim, unread).lookup("latest", "cps_2024") == NEWEST
    assert {path: path.read_bytes() for path in lineage.parent.rglob("*.json")} == before


def test_what_was_seen_is_current(sim: Simulator) -> None:
    """The usual case: nothing was published since."""
    seen = carried(seen_now(sim))
    sim.store.clear_record()
    assert reader(sim).lookup("latest", "cps_2024") == NEW
    without = [*sim.store.log]
    sim.store.clear_record()
    assert reader(sim, seen, state="seeded").lookup("latest", "cps_2024") == NEW
    assert len(sim.store.log) < len(without), "the snapshot is here already"


def test_a_maintainer_pushes_above_what_was_seen(sim: Simulator) -> None:
    """The bucket was restored from an old copy; readers who saw more follow after one push."""
    before = old_state(sim)
    seen = seen_now(sim)
    sim.store.restore(before)
    publish = partial(sim_publish, sim, seen.versions)
    publish()
    assert sim.held("timestamp.json").signed.version > seen.versions.timestamp
    assert reader(sim, carried(seen)).lookup("latest", "cps_2024") == NEWEST
    assert publish().written == ()


def test_a_bucket_that_was_lost_is_filled_above_what_was_seen(sim: Simulator) -> None:
    old_state(sim)
    seen = seen_now(sim)
    sim.store.restore({})
    if LOG_FIELD.encode() in seen.timestamp:  # that log is lost, and only a root begins another
        sim.begin_new_log()
    sim_publish(sim, seen.versions)
    assert reader(sim, carried(seen)).lookup("latest", "cps_2024") == NEWEST


def sim_publish(sim: Simulator, seen: SeenVersions) -> PublishedChannels:
    bucket = bucket_of(sim.store, sim.metadata)
    bucket.seen = seen
    return publish_channels(bucket, sim.metadata, sim.publisher)
