"""Garbage collection: nothing that can still be asked for is ever removed, on random histories."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pygit2
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pe_dvc.adapters.git.history import GitHistory
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.documents.dvc_hash import bare_md5
from pe_dvc.documents.keys import chunks_key, manifest_key, payload_key
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import (
    ConflictError,
    FormatError,
    NotDeletedError,
    PeDvcError,
    ReleaseError,
    StorePermissionError,
    VerificationError,
)
from pe_dvc.usecases.retention.bucket_lock import collecting, publishing
from pe_dvc.usecases.retention.gc import GarbageCollection
from pe_dvc.usecases.retention.gc_plan import Plan, plan_gc
from pe_dvc.usecases.retention.reachability import Bucket, Reach, names_data, reach_of
from pe_dvc.usecases.retention.sweep import sweep
from tests.support.country import Country
from tests.support.directories import publish_directory
from tests.support.factories import manifest_of
from tests.support.memory_store import MemoryStore
from tests.support.stores import WrappedStore

if TYPE_CHECKING:
    from collections.abc import Iterable

NOW = datetime(2100, 1, 1, tzinfo=UTC)
"""Long after whatever a test writes, so that only the given grace keeps it."""

NO_GRACE = timedelta(0)
WHO = pygit2.Signature("T", "t@example.org", 1_700_000_000, 0)


def md5_of(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


class World:
    """A git repo and a bucket, and a plain account of who needs what, kept beside them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.git = pygit2.init_repository(str(directory), initial_head="main")
        self.store = MemoryStore()
        self.needs: dict[str, set[str]] = {}
        """For each commit, the keys without which its data cannot be read."""
        self.published: set[str] = set()
        """Keys that channels and releases need."""
        self.versions = 0

    def put(self, key: str, data: bytes) -> str:
        self.store.overwrite(key, data)
        return key

    def artifact(self, number: int) -> tuple[dict[str, Any], set[str]]:
        """Publish a dataset; return its manifest and the keys that reading it needs."""
        data = f"dataset {number}".encode()
        manifest = manifest_of(data)
        sha256, text = Sha256(manifest.artifact.sha256), manifest.to_bytes()
        keys = {
            self.put(payload_key("us", manifest.artifact.dvc.md5), data),
            self.put(manifest_key("us", sha256), text),
            self.put(chunks_key("us", sha256), hashlib.sha256(data).digest()),
        }
        return json.loads(text), keys

    def raw(self, number: int) -> tuple[str, set[str]]:
        """Push a raw input; return its line in a .dvc file and the keys that it needs."""
        data = f"raw {number}".encode()
        return md5_of(data), {self.put(payload_key("us", md5_of(data)), data)}

    def folder(self, number: int) -> tuple[str, set[str]]:
        """Push a tracked directory of two files, one of them shared with its neighbour."""
        keys, entries = set[str](), []
        for name in (number, number + 1):
            md5, needed = self.raw(name)
            keys |= needed
            entries.append({"md5": md5, "relpath": f"{name}.csv"})
        listing = json.dumps(entries).encode()
        keys.add(self.put(payload_key("us", md5_of(listing) + ".dir"), listing))
        return f"{md5_of(listing)}.dir", keys

    def commit(self, ref: str, files: dict[str, bytes], needs: set[str]) -> str:
        builder = self.git.TreeBuilder()
        for name, data in files.items():
            builder.insert(name, self.git.create_blob(data), pygit2.enums.FileMode.BLOB)
        parents = [self.git.references[ref].target] if ref in self.git.references else []
        oid = self.git.create_commit(ref, WHO, WHO, f"{len(self.needs)}", builder.write(), parents)
        self.needs[str(oid)] = needs
        return str(oid)

    def channel(self, name: str, manifest: dict[str, Any], keys: set[str]) -> None:
        self.versions += 1
        sha256 = manifest["artifact"]["sha256"]
        text, _ = self.store.read(manifest_key("us", Sha256(sha256)), limit=1 << 20)
        target = {
            "hashes": {"sha256": sha256},
            "length": 1,
            "custom": {"manifest_sha256": sha256_bytes(text)},
        }
        document = {"signed": {"targets": {f"us/{name}/x": target}}}
        self.put(f"channels/us/{self.versions}.{name}.json", json.dumps(document).encode())
        self.published |= keys

    def release(self, manifest: dict[str, Any], keys: set[str]) -> None:
        document = {"artifacts": {"x": {"sha256": manifest["artifact"]["sha256"]}}}
        key = f"us/releases/{len(self.published)}.0.0/release_manifest.json"
        self.put(key, json.dumps(document).encode())
        self.published |= keys

    def needed(self) -> set[str]:
        """Return, by git's own reckoning, every key that somebody can still ask for."""
        done = subprocess.run(
            ["git", "rev-list", "--all"], cwd=self.directory, capture_output=True, check=True
        )
        commits = done.stdout.decode().split()
        return self.published.union(*(self.needs[commit] for commit in commits))

    def reach(self, *, tips: bool = False) -> Reach:
        history = GitHistory(self.directory)
        return reach_of(history.blobs(sorted(history.roots().items()), names_data, tips=tips))

    def plan(self, *, grace: timedelta = NO_GRACE, tips: bool = False) -> Plan:
        bucket = Bucket.read(self.store, "us")
        return plan_gc(bucket, self.reach(tips=tips), now=NOW, grace=grace)

    def held(self) -> set[str]:
        return {info.key for info in self.store.list("us")}


NUMBERS = st.integers(0, 12)
BRANCHES = st.sampled_from(["refs/heads/main", "refs/heads/a", "refs/remotes/origin/b"])


class Histories(RuleBasedStateMachine):
    """Commits, branches, tags, channels and releases come and go; then the bucket is cleared."""

    @initialize()
    def start(self) -> None:
        self.place = tempfile.TemporaryDirectory(prefix="pe-dvc-gc-")
        self.world = World(Path(self.place.name))

    def teardown(self) -> None:
        if hasattr(self, "place"):
            self.collect()
            self.whatever_is_needed_is_there()
            self.place.cleanup()

    @rule(branch=BRANCHES, datasets=st.sets(NUMBERS), raw=st.sets(NUMBERS), folder=NUMBERS)
    def commit(self, branch: str, datasets: set[int], raw: set[int], folder: int) -> None:
        world, files, needs = self.world, dict[str, bytes](), set[str]()
        lines = []
        for number in datasets:
            manifest, keys = world.artifact(number)
            files[f"d{number}.json"] = json.dumps(manifest).encode()
            needs |= keys
        for md5, keys in [*map(world.raw, raw), world.folder(folder)]:
            lines.append(f"    - md5: {md5}")
            needs |= keys
        files["dvc.lock"] = "\n".join(["stages:", *lines]).encode()
        world.commit(branch, files, needs)

    @rule(number=NUMBERS, kind=st.sampled_from(["raw", "folder", "artifact"]))
    def leave_litter(self, number: int, kind: str) -> None:
        getattr(self.world, kind)(number + 100)

    @rule(name=st.sampled_from(["latest", "next"]), number=NUMBERS)
    def publish(self, name: str, number: int) -> None:
        self.world.channel(name, *self.world.artifact(number))

    @rule(number=NUMBERS)
    def release(self, number: int) -> None:
        self.world.release(*self.world.artifact(number))

    @rule(branch=BRANCHES, number=NUMBERS, annotated=st.booleans())
    def tag(self, branch: str, number: int, annotated: bool) -> None:
        git, name = self.world.git, f"v{number}"
        if branch in git.references and f"refs/tags/{name}" not in git.references:
            target = git.references[branch].target
            if annotated:
                git.create_tag(name, target, pygit2.enums.ObjectType.COMMIT, WHO, "release")
            else:
                git.references.create(f"refs/tags/{name}", target)

    @rule(branch=BRANCHES, number=NUMBERS, annotated=st.booleans())
    def leave_only_a_tag(self, branch: str, number: int, annotated: bool) -> None:
        self.tag(branch, number, annotated)
        self.delete_branch(branch)

    @rule(branch=BRANCHES)
    def delete_branch(self, branch: str) -> None:
        if branch in self.world.git.references:
            self.world.git.references.delete(branch)

    @rule(number=NUMBERS)
    def delete_tag(self, number: int) -> None:
        if f"refs/tags/v{number}" in self.world.git.references:
            self.world.git.references.delete(f"refs/tags/v{number}")

    @invariant()
    def whatever_is_needed_is_there(self) -> None:
        if hasattr(self, "world"):
            assert not self.world.needed() - self.world.held()

    @rule()
    def collect(self) -> None:
        world = self.world
        swept = sweep(world.store, "us", world.plan())
        assert not swept.skipped
        left = {key for key in world.held() if "/releases/" not in key}
        # Other artifacts of the same bytes are kept as a whole; nothing else is left over.
        assert left == {key for key in world.needed() if "/releases/" not in key}


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=40,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "repo")


def commit_dataset(world: World, number: int, ref: str = "refs/heads/main") -> set[str]:
    manifest, keys = world.artifact(number)
    world.commit(ref, {"d.json": json.dumps(manifest).encode()}, keys)
    return keys


def unreachable(plan: Plan) -> set[str]:
    return {one.info.key for one in plan.unreachable}


def test_history_is_kept_and_with_tips_it_is_not(world: World) -> None:
    first = commit_dataset(world, 1)
    second = commit_dataset(world, 2)
    assert unreachable(world.plan()) == set()
    assert unreachable(world.plan(tips=True)) == first
    assert not unreachable(world.plan(tips=True)) & second


def test_what_points_goes_before_what_it_points_to(world: World) -> None:
    world.artifact(1)
    world.folder(1)
    kinds = [one.kind for one in world.plan().unreachable]
    assert kinds == ["manifest", "chunks", "listing", "payload", "payload", "payload"]


def test_what_is_young_stays_and_so_does_what_it_names(world: World) -> None:
    _, keys = world.artifact(1)
    world.folder(1)
    assert unreachable(world.plan(grace=NOW - datetime(2000, 1, 1, tzinfo=UTC))) == set()
    assert keys <= unreachable(world.plan())


@pytest.mark.parametrize(
    "text",
    [
        "<<<<<<< ours\n    - md5: {}\n=======\n>>>>>>> theirs\n",
        "outs: [{{md5: '{}', path: x",
        "md5: {}  # DVC 2\n",
        "stages: {{a: {{outs: [{{path: d, files: [{{md5: {}, relpath: x}}]}}]}}}}",
    ],
    ids=["conflict", "cut off", "legacy", "listed in place"],
)
def test_a_dvc_lock_that_does_not_parse_keeps_what_it_names(world: World, text: str) -> None:
    md5, keys = world.raw(1)
    world.commit("refs/heads/main", {"dvc.lock": text.format(md5).encode()}, keys)
    assert unreachable(world.plan()) == set()


def test_channels_releases_tombstones_and_strangers_are_never_removed(world: World) -> None:
    for key in ("us/4e/" + "4e" * 32 + ".tombstone.json", "us/notes.txt", "us/runs/ab/cd"):
        world.put(key, b"{}")
    assert world.plan().unreachable == []
    assert world.plan().other == 3


def test_an_old_version_of_a_channel_keeps_its_datasets(world: World) -> None:
    old, new = world.artifact(1), world.artifact(2)
    world.channel("latest", *old)
    world.channel("latest", *new)
    assert unreachable(world.plan()) == set()


def test_a_pointer_without_its_manifest_stops_everything(world: World) -> None:
    manifest, keys = world.artifact(1)
    world.channel("next", manifest, keys)
    world.store.delete([key for key in keys if key.endswith(".manifest.json")])
    with pytest.raises(VerificationError, match="whose manifest is missing"):
        world.plan()


@pytest.mark.parametrize("kind", ["manifest", "listing", "channel"])
def test_what_is_damaged_stops_everything(world: World, kind: str) -> None:
    manifest, keys = world.artifact(1)
    if kind == "manifest":
        world.put(next(key for key in keys if key.endswith(".manifest.json")), b"{")
    elif kind == "listing":
        md5, folder = world.folder(1)
        world.commit("refs/heads/main", {"dvc.lock": f"md5: {md5}".encode()}, folder)
        world.put(payload_key("us", md5), b'{"not": "a list"}')
    else:
        world.channel("latest", manifest, keys)
        world.put("channels/us/1.latest.json", b"<html>")
    with pytest.raises(FormatError, match="us/"):
        world.plan()


def test_what_was_written_anew_meanwhile_is_skipped(world: World) -> None:
    _, keys = world.raw(1)
    plan = world.plan()
    world.put(next(iter(keys)), b"raw 1, again")
    swept = sweep(world.store, "us", plan)
    assert (swept.removed, swept.skipped) == (0, list(keys))


@pytest.mark.parametrize("kind", ["manifest", "chunks", "payload"])
def test_a_sweep_goes_on_after_what_it_may_not_remove_and_breaks_nothing(
    world: World, kind: str
) -> None:
    (_, first), (_, second) = world.artifact(1), world.artifact(2)
    plan = world.plan()
    refused = next(one.info.key for one in plan.unreachable if one.kind == kind)
    needed = next(keys for keys in (first, second) if refused in keys)

    class Refusing(WrappedStore):
        def delete(self, keys: Iterable[str]) -> None:
            wanted = list(keys)
            self.inner.delete([key for key in wanted if key != refused])
            if refused in wanted:
                denied = StorePermissionError("denied", operation="delete", key=refused)
                raise NotDeletedError({refused: denied}, of=len(wanted))

    swept = sweep(Refusing(world.store), "us", plan)
    assert list(swept.failures) == [refused]
    assert world.held() == (needed if kind == "manifest" else {refused})
    assert swept.removed == 6 - len(world.held())


def clone(world: World, *options: str) -> Path:
    target = world.directory.parent / "clone"
    url = f"file://{world.directory}"
    subprocess.run(
        ["git", "clone", "--quiet", *options, url, str(target)], check=True, capture_output=True
    )
    return target


@pytest.mark.parametrize(
    ("options", "said"), [(["--depth=1"], "shallow"), (["--filter=blob:none"], "partial")]
)
def test_a_clone_that_lacks_history_is_refused(world: World, options: list[str], said: str) -> None:
    commit_dataset(world, 1)
    commit_dataset(world, 2)
    world.git.config["uploadpack.allowFilter"] = "true"
    with pytest.raises(ReleaseError, match=said):
        GitHistory(clone(world, *options)).check_complete(names_data)


def test_a_branch_of_the_remote_that_was_not_fetched_is_refused(world: World) -> None:
    commit_dataset(world, 1)
    history = GitHistory(clone(world))
    commit_dataset(world, 2, "refs/heads/new")
    with pytest.raises(ReleaseError, match=r"origin:refs/heads/new cannot be read"):
        list(history.blobs(sorted(history.roots().items()), names_data))


def test_a_remote_that_does_not_answer_is_refused(world: World) -> None:
    commit_dataset(world, 1)
    place = clone(world)
    world.directory.rename(world.directory.with_name("gone"))
    with pytest.raises(PeDvcError, match="'origin' does not answer"):
        GitHistory(place).roots()


def test_a_broken_ref_is_refused(world: World) -> None:
    commit_dataset(world, 1)
    (world.directory / ".git/refs/heads/broken").write_text("not a hash\n")
    with pytest.raises(ReleaseError, match="not every ref"):
        GitHistory(world.directory).roots()


def test_a_missing_object_is_refused(world: World) -> None:
    commit_dataset(world, 1)
    blob = str(world.git.create_blob(b"{}"))
    tree = world.git.TreeBuilder()
    tree.insert("dvc.lock", pygit2.Oid(hex=blob), pygit2.enums.FileMode.BLOB)
    world.git.create_commit("refs/heads/b", WHO, WHO, "b", tree.write(), [])
    (world.directory / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(ReleaseError, match="refs/heads/b cannot be read"):
        world.reach()


def test_what_is_not_committed_is_refused(world: World) -> None:
    commit_dataset(world, 1)
    (world.directory / "dvc.lock").write_text("stages: {}")
    with pytest.raises(ReleaseError, match=r"(dvc.lock|d.json) is not committed"):
        GitHistory(world.directory).check_complete(names_data)


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(days=20)], ids=["right", "ahead"])
def test_ages_are_by_the_stores_clock(tmp_path: Path, ahead: timedelta) -> None:
    """With this machine's clock ahead, what a publisher has just uploaded would look old."""
    store = LocalStore(tmp_path)
    young, old = (payload_key("us", md5_of(name)) for name in (b"young", b"old"))
    for key in (young, old):
        store.create(key, b"x")
    long_ago = (datetime.now(UTC) - timedelta(days=30)).timestamp()
    os.utime(tmp_path / old, (long_ago, long_ago))
    collection = GarbageCollection(
        store=store, country="us", history=NoHistory(), first_root=None, grace=timedelta(days=14)
    )
    done = collection.collect(datetime.now(UTC) + ahead)
    assert done.swept is not None
    assert done.swept.removed == 1
    assert store.head(young).size == 1


class NoHistory:
    """The history of a repo without commits."""

    def check_complete(self) -> None:
        pass

    def roots(self) -> dict[str, str]:
        return {}

    def reach(self, roots: dict[str, str]) -> Reach:
        return Reach()


def test_publishers_and_the_collector_take_turns(world: World) -> None:
    store = world.store
    with (
        publishing(store, "us"),
        publishing(store, "us"),
        pytest.raises(ConflictError, match="another process is publishing"),
        collecting(store, "us"),
    ):
        pass
    with collecting(store, "us"):
        with pytest.raises(ConflictError, match="pe-dvc gc is clearing"), publishing(store, "us"):
            pass
        with pytest.raises(ConflictError, match="another pe-dvc gc"), collecting(store, "us"):
            pass
    assert not list(store.list("us"))


def test_a_directory_goes_as_a_whole_and_stays_as_a_whole(tmp_path: Path) -> None:
    store = MemoryStore()
    country = Country(tmp_path, store)
    country.publish({"cps": b"one file"})
    lost = publish_directory(country, {"a": b"lost", "b": b"lost, too"}, point=False)
    before = set(store.objects)
    plan = plan_gc(Bucket.read(store, "us"), Reach(), now=NOW, grace=timedelta(days=14))
    kinds = [one.kind for one in plan.unreachable]
    assert kinds == ["manifest", "members", "listing", "payload", "payload"]
    assert {key for one in plan.unreachable for key in one.needs} < before
    named = Reach(md5s={bare_md5(lost.artifact.dvc.md5)})
    plan = plan_gc(Bucket.read(store, "us"), named, now=NOW, grace=timedelta(days=14))
    assert plan.unreachable == []
