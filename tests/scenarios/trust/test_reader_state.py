"""What a reader remembers: by country, bucket and lineage, and never less than has verified."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.primitives.errors import (
    NotFoundError,
    RollbackError,
    SignatureError,
    VerificationError,
)
from pe_dvc.project.stores import open_offline, open_store
from pe_dvc.store.offline import OfflineStore
from pe_dvc.trust.bucket_identity import bucket_identity, short_id
from pe_dvc.trust.client import ChannelClient
from pe_dvc.trust.verify import fingerprint
from pe_dvc.usecases.channel.keys import KeyRing
from tests.support.new_keys import new_key
from tests.support.simulator import NOW, Simulator, pointer

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.store.port import ReadableStore

OLD, NEW = pointer("cps_2024", "old"), pointer("cps_2024", "new")


@pytest.fixture
def sim(tmp_path: Path, each_bucket: None) -> Simulator:
    """A country that has published OLD, which is kept as ``before``, and then NEW."""
    sim = Simulator(tmp_path)
    sim.update(OLD)
    sim.publish()
    return sim


def publish_new(sim: Simulator) -> dict[str, bytes]:
    """Publish NEW, and return what the bucket held before."""
    before = dict(sim.store.objects)
    sim.update(NEW)
    sim.publish()
    return before


def read(sim: Simulator, root: bytes | None = None, **options: Any) -> Pointer | None:
    client = ChannelClient(
        sim.store, "us", root or sim.pinned, sim.base / "state", lock_timeout=5, **options
    )
    return client.lookup("latest", "cps_2024")


def rotate(sim: Simulator, role: str = "targets", *, stolen: bool = False) -> list[bytes]:
    """Change a role's key as the runbook does; return all roots."""
    sim_ring = KeyRing(sim.directory, "us", sim.signers, now=NOW)
    sim_ring.rotate(role, new_key(sim.keys_dir, "us", role), stolen=stolen)
    return sim.metadata.root_files


# One refused refresh must not make the reader forget: 5.3.8, 5.4.5, 5.5.7, 5.6.6.


@pytest.mark.parametrize("hidden", ["snapshot", "latest"])
def test_rollback_past_a_refresh_that_was_refused(sim: Simulator, hidden: str) -> None:
    assert read(sim) == OLD
    before = publish_new(sim)
    after = dict(sim.store.objects)
    newest = max(key for key in after if key.endswith(f".{hidden}.json"))
    del sim.store.objects[newest]
    with pytest.raises(VerificationError):
        read(sim)
    sim.store.restore(before)
    with pytest.raises(VerificationError):
        read(sim)
    sim.store.restore(after)
    assert read(sim) == NEW


def test_a_refused_refresh_leaves_offline_readers_their_last_answer(sim: Simulator) -> None:
    assert read(sim) == OLD
    publish_new(sim)
    del sim.store.objects[sim.key("2.snapshot.json")]
    with pytest.raises(VerificationError):
        read(sim)
    client = ChannelClient(
        OfflineStore(sim.store.url), "us", sim.pinned, sim.base / "state", offline=True
    )
    assert client.lookup("latest", "cps_2024") == OLD


def test_a_process_with_an_older_view_replaces_no_newer_answer(sim: Simulator) -> None:
    """It began before another process refreshed, and asks for its second channel after."""
    older = ChannelClient(sim.store, "us", sim.pinned, sim.base / "state")
    assert older.lookup("latest", "cps_2024") == OLD
    publish_new(sim)
    assert read(sim) == NEW
    assert older.pointers("next") == []
    client = ChannelClient(
        OfflineStore(sim.store.url), "us", sim.pinned, sim.base / "state", offline=True
    )
    assert client.lookup("latest", "cps_2024") == NEW


# State belongs to the country, not to the root file.


def test_rollback_after_a_git_pull_that_brought_a_new_root(sim: Simulator) -> None:
    assert read(sim) == OLD
    before = publish_new(sim)
    assert read(sim) == NEW
    *earlier, root = rotate(sim)
    sim.store.restore(before)
    with pytest.raises(RollbackError):
        read(sim, root, earlier=earlier)


def test_rollback_of_a_reader_who_pins_a_newer_root_by_hand(sim: Simulator) -> None:
    """Two roots later, and its root history is known to the bucket alone."""
    before = dict(sim.store.objects)
    assert read(sim) == OLD
    publish_new(sim)
    assert read(sim) == NEW
    roots = rotate(sim)
    sim.publish()
    shown = {key: data for key, data in sim.store.objects.items() if ".root." in key}
    sim.store.restore(before | shown)
    with pytest.raises(RollbackError):
        read(sim, roots[-1])


def test_hiding_the_roots_between_gives_no_reader_an_empty_state(sim: Simulator) -> None:
    assert read(sim) == OLD
    roots = rotate(sim)
    assert len(roots) == 3
    with pytest.raises(RollbackError, match=r"root 3 of us, which is trusted here, and root 1"):
        read(sim, roots[-1])
    sim.publish()
    assert read(sim, roots[-1]) == OLD
    assert len(lineages(sim)) == 1


def test_rollback_of_a_reader_who_goes_back_to_an_older_root(sim: Simulator) -> None:
    roots = rotate(sim, "timestamp", stolen=True)
    before = dict(sim.store.objects)
    sim.publish()
    assert read(sim, roots[-1]) == OLD
    sim.store.restore(before)
    with pytest.raises(SignatureError):
        read(sim, roots[0])


def test_one_lineage_whichever_of_its_roots_is_pinned(sim: Simulator) -> None:
    roots = rotate(sim)
    sim.publish()
    for root in (roots[2], roots[0], roots[1]):
        assert read(sim, root) == OLD
    assert len(lineages(sim)) == 1


def test_channels_created_again_and_a_fork_are_both_usable(sim: Simulator, tmp_path: Path) -> None:
    """The second chain has some keys of the first, and its versions start again."""
    publish_new(sim)
    assert read(sim) == NEW
    keys = tmp_path / "again" / "keys"
    shutil.copytree(sim.keys_dir, keys)
    (keys / "us" / "root.pem").unlink()
    again = Simulator(tmp_path / "again", store=sim.store, keys_dir=keys)
    first = dict(sim.store.objects)
    sim.store.objects.clear()
    again.update(pointer("cps_2024", "again"))
    again.publish()
    for _ in range(2):
        assert read(sim, again.pinned) == pointer("cps_2024", "again")
        second = dict(sim.store.objects)
        sim.store.restore(first)
        assert read(sim) == NEW
        sim.store.restore(second)
    assert len(lineages(sim)) == 2


def lineages(sim: Simulator) -> list[Path]:
    (country,) = (sim.base / "state" / "channels").iterdir()
    return [path for path in country.iterdir() if path.is_dir()]


# State belongs to the bucket, not to the spelling of its address.


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("s3://bucket/data", "s3://bucket/data/"),
        ("s3://bucket/data", "S3://bucket/data"),
        ("s3://bucket/data", "s3://Bucket/data"),
        ("s3://bucket/data", "s3://bucket//data"),
        ("s3://bucket/da ta", "s3://bucket/da%20ta"),
        ("gs://bucket", "gs://bucket/"),
        ("https://data.example.org/x", "HTTPS://Data.Example.org:443/x/"),
        ("http://data.example.org:80/x", "http://data.example.org/x"),
        ("file:///srv/da%74a", "/srv/data"),
        ("/srv/data/", "/srv//x/../data"),
    ],
)
def test_one_bucket_however_it_is_spelled(one: str, other: str) -> None:
    assert bucket_identity(one) == bucket_identity(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("s3://bucket", "gs://bucket"),
        ("s3://bucket/Data", "s3://bucket/data"),
        ("s3://bucket/data", "s3://bucket-data"),
        ("http://host:8080/x", "http://host/x"),
        ("/srv/Data", "/srv/data"),
    ],
)
def test_other_buckets_are_kept_apart(one: str, other: str) -> None:
    assert bucket_identity(one) != bucket_identity(other)


def test_rollback_of_a_reader_who_spells_the_directory_another_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim, bucket = Simulator(tmp_path / "sim"), LocalStore(tmp_path / "bucket")
    sim.update(OLD)
    sim.publish_to(bucket)
    shutil.copytree(tmp_path / "bucket", tmp_path / "before")
    sim.update(NEW)
    sim.publish_to(bucket)
    client = ChannelClient(bucket, "us", sim.pinned, tmp_path / "state")
    assert client.lookup("latest", "cps_2024") == NEW
    shutil.rmtree(tmp_path / "bucket")
    (tmp_path / "before").rename(tmp_path / "bucket")
    (tmp_path / "link").symlink_to(tmp_path / "bucket")
    (tmp_path / "x").mkdir()
    monkeypatch.chdir(tmp_path)
    for spelled in (
        f"{tmp_path}/bucket/",
        f"{tmp_path}//bucket",
        f"{tmp_path}/x/../bucket",
        f"{tmp_path}/link",
        "bucket",
        "./link/",
        f"file://{tmp_path}/bucket",
        f"FILE://LocalHost{tmp_path}/b%75cket/",
    ):
        store: ReadableStore = open_store(spelled)
        with pytest.raises(RollbackError):
            ChannelClient(store, "us", sim.pinned, tmp_path / "state").pointers("latest")
        offline = ChannelClient(
            open_offline(spelled), "us", sim.pinned, tmp_path / "state", offline=True
        )
        assert offline.lookup("latest", "cps_2024") == NEW, spelled


# A reader who upgrades pe_dvc.


def as_older_pe_dvc_kept_it(sim: Simulator, root: bytes, state: Path) -> None:
    """Lay the state out as pe_dvc did when its directory's name had the root's fingerprint."""
    (lineage,) = lineages(sim)
    name = f"us-{short_id(sim.store.url)}-{fingerprint(root)[:16]}"
    shutil.copytree(lineage, state / "channels" / name, symlinks=True)
    shutil.rmtree(state / "channels" / name / "accepted")
    (state / "channels" / name / "root.json").unlink()
    shutil.rmtree(lineage.parent)


def test_rollback_of_a_reader_who_has_upgraded_pe_dvc(sim: Simulator) -> None:
    before = publish_new(sim)
    assert read(sim) == NEW
    as_older_pe_dvc_kept_it(sim, sim.pinned, sim.base / "state")
    offline = ChannelClient(
        OfflineStore(sim.store.url), "us", sim.pinned, sim.base / "state", offline=True
    )
    assert offline.lookup("latest", "cps_2024") == NEW
    after = dict(sim.store.objects)
    sim.store.restore(before)
    with pytest.raises(RollbackError):
        read(sim)
    sim.store.restore(after)
    assert read(sim) == NEW
    assert len(lineages(sim)) == 1


def test_states_that_older_versions_kept_for_each_root_become_one(sim: Simulator) -> None:
    """The newest of them counts, in whichever order they are found."""
    state = sim.base / "state"
    roots = rotate(sim)
    sim.publish()
    assert read(sim) == OLD
    kept = sim.base / "kept"
    as_older_pe_dvc_kept_it(sim, sim.pinned, kept)
    before = publish_new(sim)
    assert read(sim, roots[-1]) == NEW
    as_older_pe_dvc_kept_it(sim, roots[-1], kept)
    shutil.copytree(kept, state, dirs_exist_ok=True)
    sim.store.restore(before)
    with pytest.raises(RollbackError):
        read(sim, roots[1])
    assert len(lineages(sim)) == 1


def test_a_lineage_that_was_never_read_has_no_offline_answer(sim: Simulator) -> None:
    assert read(sim) == OLD
    roots = rotate(sim)
    client = ChannelClient(
        OfflineStore(sim.store.url), "us", roots[-1], sim.base / "state", offline=True
    )
    with pytest.raises(NotFoundError, match="never read"):
        client.pointers("latest")
