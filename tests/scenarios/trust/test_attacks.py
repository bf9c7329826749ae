"""Each test is an attack by somebody who can write to the bucket, named after it.

An attack must be refused in the family that fits, and must leave the reader's state clean: once
the bucket is mended, the same reader reads on.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.primitives.errors import (
    DigestMismatchError,
    ExpiredError,
    FormatError,
    NotFoundError,
    PeDvcError,
    RollbackError,
    SignatureError,
    StoreError,
    StorePermissionError,
    StoreUnavailableError,
    VerificationError,
)
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.locks import Wait, exclusive
from pe_dvc.trust.client import ChannelClient
from pe_dvc.trust.keys import generate_keys, load_key_file
from pe_dvc.trust.tuf_api import Key, Metadata, Root, Signature, TargetFile, Targets
from tests.support import simulator
from tests.support.browser_client import BothClients, node
from tests.support.s3_objects import recording_bucket
from tests.support.servers import S3Bucket
from tests.support.simulator import NOW, Simulator, days, pointer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pe_dvc.documents.pointer import Pointer
    from tests.support.counters import Tally
    from tests.support.servers import S3Endpoint


@pytest.fixture(autouse=True, params=["simulator", "s3", "browser"])
def _bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tally: Tally) -> None:
    """Attack the simulator, then the same on a real S3 server, then both clients by HTTP."""
    tally(f"attack cases refused ({request.param})", 1)
    if request.param == "browser":
        node()
        monkeypatch.setattr(simulator, "ChannelClient", BothClients)
    if request.param == "s3":
        server: S3Endpoint = request.getfixturevalue("s3_server")
        monkeypatch.setattr(
            simulator, "new_store", lambda: recording_bucket(S3Bucket(server, server.new_bucket()))
        )


NEW = pointer("cps_2024", "new")
EVIL = pointer("cps_2024", "evil")


@contextmanager
def refused(sim: Simulator, error: type[PeDvcError], *, says: str | None = None) -> Iterator[None]:
    """Attack in the body; then a new reader refuses, and so does one that knows an older state,
    unless it answers truly from what it has verified before.

    Afterwards the bucket is mended, and the readers that were attacked read on.
    """
    good = dict(sim.store.objects)
    yield
    with pytest.raises(error, match=says) as caught:
        sim.client("unknowing").lookup("latest", "cps_2024")
    assert caught.type is error
    with suppress(VerificationError, FormatError):
        assert sim.client("knowing").lookup("latest", "cps_2024") == NEW
    sim.store.restore(good)
    for state in ("knowing", "unknowing"):
        assert sim.client(state).lookup("latest", "cps_2024") == NEW


def forged(sim: Simulator, role: str, *pointers: Pointer) -> Metadata[Targets]:
    """The next version of a channel as an attacker would like it, unsigned."""
    metadata = sim.files.read(role, Targets)
    metadata.signed.version += 1
    metadata.signed.targets = {
        p.target_path: TargetFile.from_dict(p.to_target(), p.target_path) for p in pointers
    }
    return metadata


def test_pointer_rewritten(sim: Simulator) -> None:
    with refused(sim, DigestMismatchError, says=r"not what was promised.*/3\.latest\.json"):
        text = sim.store.objects[sim.key("3.latest.json")].decode()
        evil = text.replace(str(NEW.sha256), str(EVIL.sha256))
        assert evil != text
        sim.store.objects[sim.key("3.latest.json")] = evil.encode()


def test_timestamp_rewritten(sim: Simulator) -> None:
    with refused(sim, SignatureError, says="timestamp version 9"):
        document = json.loads(sim.store.objects[sim.key("timestamp.json")])
        document["signed"]["version"] = 9
        sim.store.objects[sim.key("timestamp.json")] = json.dumps(document).encode()


def test_rollback_of_timestamp(tmp_path: Path) -> None:
    sim = Simulator(tmp_path)
    sim.update(pointer("cps_2024", "old"))
    sim.publish()
    old = sim.store.objects[sim.key("timestamp.json")]
    sim.update(NEW)
    sim.publish()
    assert sim.client("reader").lookup("latest", "cps_2024") == NEW
    good, sim.store.objects[sim.key("timestamp.json")] = dict(sim.store.objects), old
    with pytest.raises(RollbackError, match="timestamp version 1 is not the expected version"):
        sim.client("reader").lookup("latest", "cps_2024")
    sim.store.restore(good)
    assert sim.client("reader").lookup("latest", "cps_2024") == NEW


def test_rollback_of_the_timestamp_alone(sim: Simulator) -> None:
    """The older one names the same snapshot."""
    old = sim.store.objects[sim.key("timestamp.json")]
    timestamp = sim.held("timestamp.json")
    timestamp.signed.version += 1
    sim.plant("timestamp.json", timestamp, "timestamp")
    assert sim.client("reader").lookup("latest", "cps_2024") == NEW
    sim.store.objects[sim.key("timestamp.json")] = old
    with pytest.raises(RollbackError, match="timestamp version"):
        sim.client("reader").lookup("latest", "cps_2024")


def test_rollback_of_snapshot_with_the_stolen_timestamp_key(sim: Simulator) -> None:
    sim.client("reader").lookup("latest", "cps_2024")
    timestamp = sim.held("timestamp.json")
    timestamp.signed.version += 1
    first = sim.store.objects[sim.key("1.snapshot.json")]
    timestamp.signed.snapshot_meta = type(timestamp.signed.snapshot_meta).from_data(
        1, first, ["sha256"]
    )
    sim.plant("timestamp.json", timestamp, "timestamp")
    with pytest.raises(RollbackError, match="snapshot version must be >= 2"):
        sim.client("reader").lookup("latest", "cps_2024")


def test_rollback_of_the_snapshot_alone(sim: Simulator) -> None:
    """The older one names the same channels."""
    sim.point_at({}, snapshot_version=9)
    assert sim.client("reader").lookup("latest", "cps_2024") == NEW
    sim.point_at({}, snapshot_version=8)
    with pytest.raises(RollbackError, match="snapshot version must be >= 9"):
        sim.client("reader").lookup("latest", "cps_2024")


def test_rollback_of_channel_with_the_stolen_online_keys(sim: Simulator) -> None:
    sim.client("reader").lookup("latest", "cps_2024")
    sim.point_at({"latest": sim.store.objects[sim.key("2.latest.json")]})
    with pytest.raises(RollbackError, match="latest"):
        sim.client("reader").lookup("latest", "cps_2024")


def test_freeze(tmp_path: Path) -> None:
    """The bucket shows a state that was true two weeks ago, and is no more."""
    sim = Simulator(tmp_path)
    sim.update(NEW)
    sim.now = NOW - days(15)
    sim.publish()
    with pytest.raises(ExpiredError) as caught:
        sim.client("reader").lookup("latest", "cps_2024")
    assert f"timestamp version 1 expired on {NOW - days(1):%Y-%m-%d}" in caught.value.message
    assert "scheduled CI job" in str(caught.value.remedy)
    assert "--offline" in str(caught.value.remedy)
    sim.now = NOW
    sim.publish()
    assert sim.client("reader").lookup("latest", "cps_2024") == NEW


def test_freeze_under_an_expired_root(tmp_path: Path) -> None:
    sim = Simulator(tmp_path)
    sim.update(NEW)
    root = sim.metadata.root
    root.signed.version, root.signed.expires = 2, NOW - days(3)
    root.signatures.clear()
    root.sign(sim.signer("root"))
    sim.files.write("root", root)
    sim.now = NOW - days(4)
    sim.publish()
    with pytest.raises(ExpiredError, match="root version 2 expired on") as caught:
        sim.client("reader").lookup("latest", "cps_2024")
    assert "offline root keys" in str(caught.value.remedy)


def test_mix_and_match_of_channel_files(sim: Simulator) -> None:
    """An old file under the new one's name: every signature of it is good."""
    with refused(sim, DigestMismatchError, says="expected .* bytes with sha256:.*, got"):
        old = sim.store.objects[sim.key("2.latest.json")]
        sim.store.objects[sim.key("3.latest.json")] = old


def test_mix_and_match_of_snapshots(sim: Simulator) -> None:
    # The first is longer: it adds more to the log of what was published.
    with refused(sim, VerificationError, says="2.snapshot.json: expected at most"):
        old = sim.store.objects[sim.key("1.snapshot.json")]
        sim.store.objects[sim.key("2.snapshot.json")] = old


@pytest.mark.parametrize("name", ["2.snapshot.json", "1.targets.json", "3.latest.json"])
def test_wrong_length_longer(sim: Simulator, name: str) -> None:
    with refused(sim, VerificationError, says=f"{name}: expected at most"):
        sim.store.objects[sim.key(name)] += b" "


@pytest.mark.parametrize("name", ["2.snapshot.json", "1.targets.json", "3.latest.json"])
def test_wrong_length_shorter(sim: Simulator, name: str) -> None:
    with refused(sim, DigestMismatchError):
        sim.store.objects[sim.key(name)] = sim.store.objects[sim.key(name)][:-1]


@pytest.mark.parametrize(
    "name", ["2.root.json", "timestamp.json", "2.snapshot.json", "1.targets.json", "3.latest.json"]
)
def test_endless_data(sim: Simulator, tmp_path: Path, name: str) -> None:
    """A metadata file of 10 GB on a real disk: it is not read."""
    bucket = tmp_path / "bucket"
    for key, data in sim.store.objects.items():
        (bucket / key).parent.mkdir(parents=True, exist_ok=True)
        (bucket / key).write_bytes(data)
    with (bucket / sim.key(name)).open("ab") as file:
        file.truncate(10_000_000_000)
    client = sim.client(store=LocalStore(bucket))
    with pytest.raises(VerificationError, match=f"{name}: expected at most .* it was not read"):
        client.lookup("latest", "cps_2024")


def test_a_pipe_in_the_place_of_metadata(sim: Simulator, tmp_path: Path) -> None:
    """Nothing waits for it, and the message does not speak of a length."""
    bucket = tmp_path / "bucket"
    (bucket / sim.key("timestamp.json")).parent.mkdir(parents=True)
    os.mkfifo(bucket / sim.key("timestamp.json"))
    client = ChannelClient(LocalStore(bucket), "us", sim.pinned, tmp_path / "state")
    with pytest.raises(VerificationError, match=r"timestamp.json.* named pipe.*; it was not read"):
        client.lookup("latest", "cps_2024")


def test_file_deleted(sim: Simulator) -> None:
    with refused(sim, VerificationError, says="3.latest.json is gone, though signed"):
        del sim.store.objects[sim.key("3.latest.json")]


@pytest.mark.parametrize("junk", [b"", b"{}", b"[" * 100_000, b"\xff\xfe", b'{"signed": 1}'])
def test_junk(sim: Simulator, junk: bytes) -> None:
    with refused(sim, FormatError if len(junk) < 16_384 else VerificationError):
        sim.store.objects[sim.key("timestamp.json")] = junk


@pytest.fixture
def reviewed(tmp_path: Path) -> Simulator:
    """A country whose ``next`` needs two reviewers."""
    sim = Simulator(tmp_path, thresholds={"next": 2})
    sim.update(NEW)
    sim.update(pointer("cps_2024", "old", channel="next"), channel="next")
    sim.publish()
    return sim


def test_signature_under_threshold(reviewed: Simulator) -> None:
    evil = forged(reviewed, "next", pointer("cps_2024", "evil", channel="next"))
    reviewed.point_at({"next": reviewed.plant("3.next.json", evil, "next")})
    with pytest.raises(SignatureError, match=r"next version 3 .*1/2 keys"):
        reviewed.client().lookup("next", "cps_2024")
    assert reviewed.client().lookup("latest", "cps_2024") == NEW


def test_key_not_of_that_role(sim: Simulator) -> None:
    """The CI's keys, stolen: they may sign latest, and not next."""
    evil = forged(sim, "next", pointer("cps_2024", "evil", channel="next"))
    data = sim.plant("2.next.json", evil, "latest", "snapshot", "timestamp")
    sim.point_at({"next": data})
    with pytest.raises(SignatureError, match=r"next version 2 .*0/1 keys"):
        sim.client().lookup("next", "cps_2024")


def test_duplicate_signatures_of_one_key(reviewed: Simulator) -> None:
    evil = forged(reviewed, "next", pointer("cps_2024", "evil", channel="next"))
    document = json.loads(reviewed.plant("3.next.json", evil, "next"))
    document["signatures"] *= 2
    data = json.dumps(document).encode()
    reviewed.store.objects[reviewed.key("3.next.json")] = data
    reviewed.point_at({"next": data})
    with pytest.raises(FormatError, match="Multiple signatures found for keyid"):
        reviewed.client().lookup("next", "cps_2024")


def test_one_key_under_two_ids(reviewed: Simulator) -> None:
    """The same signature again under the id of a key that did not sign."""
    evil = forged(reviewed, "next", pointer("cps_2024", "evil", channel="next"))
    document = json.loads(reviewed.plant("3.next.json", evil, "next"))
    other = reviewed.signer("next-2").public_key.keyid
    document["signatures"].append({**document["signatures"][0], "keyid": other})
    data = json.dumps(document).encode()
    reviewed.store.objects[reviewed.key("3.next.json")] = data
    reviewed.point_at({"next": data})
    with pytest.raises(SignatureError, match="1/2 keys"):
        reviewed.client().lookup("next", "cps_2024")


def test_revoked_key(sim: Simulator) -> None:
    """The key of latest was replaced; whoever has the old one signs with it, online keys too."""
    stolen = sim.signer("latest")
    targets = sim.metadata.targets
    (sim.keys_dir / "us" / "latest.pem").unlink()
    (key,) = generate_keys(sim.keys_dir, "us", {"latest": 1})["latest"]
    targets.signed.revoke_key(stolen.public_key.keyid, "latest")
    targets.signed.add_key(key, "latest")
    targets.signed.version += 1
    targets.sign(sim.signer("targets"))
    sim.files.write("targets", targets)
    sim.update(NEW)
    sim.publish()
    assert sim.client("reader").lookup("latest", "cps_2024") == NEW
    evil = forged(sim, "latest", EVIL)
    evil.sign(stolen)
    data = json.dumps(evil.to_dict()).encode()
    sim.store.objects[sim.key("5.latest.json")] = data
    sim.point_at({"latest": data})
    with pytest.raises(SignatureError, match="0/1 keys"):
        sim.client("reader").lookup("latest", "cps_2024")


def with_shared_keys(tmp_path: Path) -> tuple[Simulator, Simulator]:
    """Two countries whose careless operator signs both with the same keys."""
    us = Simulator(tmp_path / "us")
    keys = tmp_path / "uk" / "keys"
    shutil.copytree(us.keys_dir / "us", keys / "uk")
    uk = Simulator(tmp_path / "uk", "uk", keys_dir=keys)
    us.update(NEW)
    uk.update(pointer("cps_2024", "evil", country="uk"))
    us.publish()
    uk.publish()
    us.client("knowing").pointers("latest")
    return us, uk


def test_channels_copied_from_another_country(tmp_path: Path) -> None:
    us, uk = with_shared_keys(tmp_path)
    with refused(us, VerificationError, says="another country's metadata"):
        for key, data in uk.store.objects.items():
            if "root" not in key:
                us.store.objects[key.replace("/uk/", "/us/")] = data


def test_pointer_copied_from_another_country(tmp_path: Path) -> None:
    us, uk = with_shared_keys(tmp_path)
    data = uk.store.objects[uk.key("2.latest.json")]
    us.store.objects[us.key("2.latest.json")] = data
    us.point_at({"latest": data})
    with pytest.raises(VerificationError, match="says that it is of 'uk', and us was asked for"):
        us.client().lookup("latest", "cps_2024")


def test_pointer_copied_from_another_channel(tmp_path: Path) -> None:
    """The key of latest signs next too; its unreviewed pointers must not count as reviewed."""
    sim = Simulator(tmp_path)
    targets = sim.metadata.targets
    targets.signed.add_key(sim.signer("latest").public_key, "next")
    targets.sign(sim.signer("targets"))
    sim.files.write("targets", targets)
    sim.update(EVIL)
    sim.publish()
    data = sim.store.objects[sim.key("2.latest.json")]
    sim.store.objects[sim.key("2.next.json")] = data
    sim.point_at({"next": data})
    with pytest.raises(VerificationError, match="metadata of the role 'latest', and that of next"):
        sim.client().lookup("next", "cps_2024")


@pytest.mark.parametrize(
    "name",
    [
        "../cps_2024",
        "states/../../x",
        "/etc/passwd",
        "a//b",
        "ѕtates",
        "a\x00",
        "a.json",
        "a/b/c/d",
    ],
)
def test_path_traversal_in_signed_names(sim: Simulator, name: str) -> None:
    """Even the CI's own key cannot sign a name that climbs, or looks like another."""
    metadata = forged(sim, "latest", NEW)
    path = f"us/latest/{name}"
    metadata.signed.targets[path] = TargetFile.from_dict(NEW.to_target(), path)
    sim.point_at({"latest": sim.plant("4.latest.json", metadata, "latest")})
    with pytest.raises(VerificationError, match="not a dataset name"):
        sim.client().lookup("latest", "cps_2024")
    with pytest.raises(FormatError):
        sim.client().lookup("latest", name)


def test_names_that_differ_by_case_alone(sim: Simulator) -> None:
    metadata = forged(sim, "latest", NEW, pointer("CPS_2024", "evil"))
    sim.point_at({"latest": sim.plant("4.latest.json", metadata, "latest")})
    with pytest.raises(VerificationError, match="differ by case alone"):
        sim.client().lookup("latest", "cps_2024")


def test_path_traversal_in_countries(sim: Simulator, tmp_path: Path) -> None:
    from pe_dvc.trust.files import ChannelFiles
    from pe_dvc.trust.pins import pin_root, pinned_root
    from pe_dvc.trust.signers import Signers

    for country in ("..", "us/../uk", "/", "US", "u\u0455"):
        for use in (
            lambda c: ChannelClient(sim.store, c, sim.pinned, tmp_path),
            lambda c: ChannelFiles(tmp_path, c),
            lambda c: pin_root(tmp_path, c, sim.pinned),
            lambda c: pinned_root(tmp_path, c),
            lambda c: Signers(c, tmp_path),
            lambda c: generate_keys(tmp_path, c, {"root": 1}),
        ):
            with pytest.raises(FormatError, match="not a country"):
                use(country)


def test_root_signed_only_by_new_keys(sim: Simulator) -> None:
    with refused(sim, SignatureError, says="root version 2 .*0/1 keys"):
        sim.rotate("root", by_old_root=False)
        data = sim.files.read_bytes("root")
        sim.store.objects[sim.key("2.root.json")] = data


def test_root_signed_only_by_old_keys(sim: Simulator) -> None:
    """Its own keys have not agreed to it."""
    with refused(sim, SignatureError, says="root version 2 .*0/1 keys"):
        old = sim.signer("root")
        sim.rotate("root")
        root = sim.files.read("root", Root)
        root.signatures.clear()
        root.sign(old)
        sim.store.objects[sim.key("2.root.json")] = json.dumps(root.to_dict()).encode()


def test_one_key_under_two_ids_signs_twice(sim: Simulator) -> None:
    """A root, signed by people who were misled, has a thief be both of the two who must sign."""
    again = "ab" * 32
    root, timestamp = sim.held("1.root.json"), sim.held("timestamp.json")
    role = root.signed.roles["timestamp"]
    (keyid,) = role.keyids
    twin = Key.from_dict(again, root.signed.keys[keyid].to_dict())
    root.signed.version, role.threshold = 2, 2
    root.signed.add_key(twin, "timestamp")
    sim.plant("2.root.json", root, "root")
    signature = timestamp.signatures[keyid].signature
    timestamp.signatures[again] = Signature(again, signature)
    sim.store.objects[sim.key("timestamp.json")] = timestamp.to_bytes()
    with pytest.raises(SignatureError, match=r"one key under two ids|signed by 1 of its keys"):
        sim.client("misled").lookup("latest", "cps_2024")

    root.signed.version, role.threshold = 3, 1
    root.signed.revoke_key(again, "timestamp")
    sim.plant("3.root.json", root, "root")
    for state in ("misled", "knowing"):
        assert sim.client(state).lookup("latest", "cps_2024") == NEW


def test_root_of_another_version_in_the_chain(sim: Simulator) -> None:
    with refused(sim, RollbackError, says="root version 3"):
        root = sim.metadata.root
        root.signed.version = 3
        sim.plant("2.root.json", root, "root")


def test_rotation_of_every_top_level_key_is_followed(sim: Simulator) -> None:
    sim.client("reader").lookup("latest", "cps_2024")
    for _ in range(3):
        sim.rotate("root", "snapshot", "timestamp")
        shutil.rmtree(sim.base / "stolen")
    sim.publish()
    assert sim.client("reader").lookup("latest", "cps_2024") == NEW
    assert sim.client("fresh").lookup("latest", "cps_2024") == NEW
    assert sim.publish().written == ()


def test_fast_forward_recovery(sim: Simulator) -> None:
    """Stolen online keys sign far versions, so that true ones look old; new keys end that."""
    sim.client("victim").lookup("latest", "cps_2024")
    sim.point_at({}, snapshot_version=2_000_000_000, timestamp=2_000_000_000)
    sim.client("victim").lookup("latest", "cps_2024")
    sim.rotate("snapshot", "timestamp")
    newest = pointer("cps_2024", "newest")
    sim.update(newest)
    sim.publish()
    assert sim.client("victim").lookup("latest", "cps_2024") == newest
    assert sim.client("fresh").lookup("latest", "cps_2024") == newest
    assert sim.publish().written == ()
    stolen = load_key_file(sim.base / "stolen" / "timestamp.pem")
    timestamp = sim.held("timestamp.json")
    timestamp.signed.version = 2_000_000_009
    timestamp.signatures.clear()
    timestamp.sign(stolen)
    sim.store.objects[sim.key("timestamp.json")] = json.dumps(timestamp.to_dict()).encode()
    with pytest.raises(SignatureError, match="0/1 keys"):
        sim.client("victim").lookup("latest", "cps_2024")


def test_a_thief_hides_the_root_that_a_refused_refresh_has_shown(sim: Simulator) -> None:
    """The reader met the new root, below which nothing was published yet: the root stays known."""
    knowing = {name: data for name, data in sim.store.objects.items() if "root" not in name}
    sim.client("reader").lookup("latest", "cps_2024")
    sim.rotate("snapshot", "timestamp")
    sim.store.objects[sim.key("2.root.json")] = sim.files.read_bytes("root")
    with pytest.raises(SignatureError, match="0/1 keys"):
        sim.client("reader").lookup("latest", "cps_2024")
    del sim.store.objects[sim.key("2.root.json")]
    assert all(sim.store.objects[name] == data for name, data in knowing.items()), "the thief's"
    with pytest.raises(SignatureError, match="0/1 keys"):
        sim.client("reader").lookup("latest", "cps_2024")
    sim.store.objects[sim.key("2.root.json")] = sim.files.read_bytes("root")
    sim.publish()
    assert sim.client("reader").lookup("latest", "cps_2024") == NEW


def test_delegation_taken_away_does_not_bring_back_the_kept_file(sim: Simulator) -> None:
    """The reader still has a verified latest.json; targets no longer speaks of it."""
    sim.client("reader").lookup("latest", "cps_2024")
    targets = sim.metadata.targets
    assert targets.signed.delegations is not None
    assert targets.signed.delegations.roles is not None
    del targets.signed.delegations.roles["latest"]
    targets.signed.version += 1
    sim.point_at({"targets": sim.plant("2.targets.json", targets, "targets")})
    with pytest.raises(VerificationError, match="does not delegate us/latest"):
        sim.client("reader").lookup("latest", "cps_2024")


def test_no_channels_is_not_found(sim: Simulator) -> None:
    sim.store.objects.clear()
    with pytest.raises(NotFoundError, match="has no channels"):
        sim.client().lookup("latest", "cps_2024")


@pytest.mark.parametrize("error", [StoreUnavailableError, StorePermissionError])
@pytest.mark.parametrize("role", ["root", "timestamp", "snapshot", "targets", "latest"])
def test_a_failing_store_is_not_an_attack(
    sim: Simulator, error: type[StoreError], role: str
) -> None:
    def fail(number: int, operation: str, key: str) -> None:
        if key.endswith(f"{role}.json"):
            raise error("the line is cut", operation=operation, key=key)

    sim.store.before = fail
    if error is StorePermissionError and role == "root":
        # S3 answers so for a missing object where listing is not allowed: no newer root.
        assert sim.client("reader").lookup("latest", "cps_2024") == NEW
        return
    with pytest.raises(error, match="the line is cut"):
        sim.client("reader").lookup("latest", "cps_2024")
    sim.store.before = lambda number, operation, key: None
    assert sim.client("reader").lookup("latest", "cps_2024") == NEW


@pytest.mark.parametrize("name", ["1.root", "timestamp", "snapshot", "targets", "latest"])
@pytest.mark.parametrize("junk", [b"", b"junk", b"{}"])
def test_damaged_state_heals(sim: Simulator, name: str, junk: bytes) -> None:
    sim.client("reader").lookup("latest", "cps_2024")
    files = list((sim.base / "state" / "reader").rglob(f"{name}.json"))
    assert files
    for file in files:
        file.unlink()
        file.write_bytes(junk)
    assert sim.client("reader").lookup("latest", "cps_2024") == NEW


def test_states_of_two_stores_and_roots_are_kept_apart(tmp_path: Path) -> None:
    one, two = Simulator(tmp_path / "1"), Simulator(tmp_path / "2")
    for sim, content in ((one, "one"), (two, "two")):
        sim.update(pointer("cps_2024", content))
        sim.publish()
        client = ChannelClient(sim.store, "us", sim.pinned, tmp_path / "state")
        assert client.lookup("latest", "cps_2024") == pointer("cps_2024", content)
    assert len(list((tmp_path / "state").rglob("accepted/timestamp.json"))) == 2


def test_a_held_lock_is_waited_for_and_then_named(sim: Simulator) -> None:
    sim.client("reader").lookup("latest", "cps_2024")
    (state,) = (sim.base / "state" / "reader" / "channels").iterdir()
    client = ChannelClient(
        sim.store, "us", sim.pinned, sim.base / "state" / "reader", lock_timeout=0.05
    )
    held = exclusive(ConfinedTree(state), ".lock", Wait(1, doing="holding", remedy=""))
    with held, pytest.raises(StoreUnavailableError, match=r"reading these channels .* 0\.05"):
        client.lookup("latest", "cps_2024")
    assert client.lookup("latest", "cps_2024") == NEW
