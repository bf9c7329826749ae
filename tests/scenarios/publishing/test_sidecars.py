"""Sidecars that say more of a dataset: committed, published once, read verified, kept, checked."""

from __future__ import annotations

import shlex
import shutil
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.documents.keys import parse_key
from pe_dvc.documents.manifest import Manifest
from pe_dvc.documents.sidecar_refs import content_sidecars
from pe_dvc.primitives.errors import (
    DigestMismatchError,
    NotFoundError,
    StoreUnavailableError,
    VerificationError,
)
from pe_dvc.project.fsck import fsck
from pe_dvc.project.gc import gc
from pe_dvc.project.manifest_adopt import adopt_manifest
from pe_dvc.project.metrics_file import metrics_path, write_metrics
from pe_dvc.project.reader import Reader
from pe_dvc.project.repo import DataRepo
from pe_dvc.project.stores import open_store
from pe_dvc.project.verify import verify
from pe_dvc.trust.pins import pin_root
from tests.support.advice import commands_in
from tests.support.commands import run
from tests.support.environment import own_directories
from tests.support.memory_store import MemoryStore
from tests.support.sidecars import add_sidecars
from tests.support.signed_repo import HandMadeRepo

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.store.port import Store
    from tests.support.servers import S3Bucket

NAME = "cps_2024"
LATEST = f"us/{NAME}@latest"
PROFILE, CODEBOOK = b'{"schema_version": 1}\n', b'{"columns": {}}\n'
SIDECARS = {"profile": PROFILE, "codebook": CODEBOOK}


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HandMadeRepo:
    """A repo with one dataset and its sidecars, built and committed, that is trusted here."""
    for variable, place in own_directories(tmp_path / "home").items():
        monkeypatch.setenv(variable, place)
    monkeypatch.setenv("PE_DVC_KEYS_DIR", str(tmp_path / "keys"))
    made = HandMadeRepo(tmp_path / "repo", tmp_path / "keys")
    made.create(NAME)
    made.build(NAME, b"payload")
    add_sidecars(made.root / f"manifests/{NAME}.json", SIDECARS)
    made.update_latest()
    commit(made)
    return made


@pytest.fixture(params=["directory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "directory":
        return LocalStore(tmp_path / "bucket")
    bucket: S3Bucket = request.getfixturevalue("s3_bucket")
    return open_store(bucket.url, options=bucket.server.options)


def commit(repo: HandMadeRepo) -> None:
    run("git", "add", "-A", cwd=repo.root)
    run("git", "commit", "-qm", "data", cwd=repo.root)


def manifest_of(repo: HandMadeRepo) -> Manifest:
    return Manifest.from_bytes((repo.root / f"manifests/{NAME}.json").read_bytes())


def key_of(repo: HandMadeRepo, kind: str = "profile") -> str:
    return content_sidecars(manifest_of(repo))[kind].key


def reader(repo: HandMadeRepo, store: Store, *, offline: bool = False) -> Reader:
    from pe_dvc.project import directories

    pin_root(directories.config_dir(), "us", repo.root_of_trust)
    return Reader("us", store=store, offline=offline)


def test_sidecars_are_pushed_read_and_in_order(repo: HandMadeRepo, store: Store) -> None:
    repo.push(store)
    one = reader(repo, store)
    resolved = one.resolve(LATEST)
    assert {kind: one.sidecar(resolved, kind) for kind in SIDECARS} == SIDECARS
    assert one.sidecar(resolved, "other") is None
    report = fsck(DataRepo(repo.root), store=store.url) if isinstance(store, LocalStore) else None
    assert report is None or report.report.findings == []


def test_a_pin_has_its_sidecars_too(repo: HandMadeRepo, store: Store) -> None:
    repo.push(store)
    one = reader(repo, store)
    pin = f"us/{NAME}@sha256:{manifest_of(repo).artifact.sha256}"
    assert one.sidecar(one.resolve(pin), "profile") == PROFILE


def test_offline_is_what_was_read_before(repo: HandMadeRepo) -> None:
    store = MemoryStore()
    repo.push(store)
    one = reader(repo, store)
    assert one.sidecar(one.resolve(LATEST), "profile") == PROFILE
    store.delete([key_of(repo)])
    assert one.sidecar(one.resolve(LATEST), "profile") == PROFILE
    away = Reader("us", store="s3://nowhere", offline=True)
    with pytest.raises(StoreUnavailableError):
        away.sidecar(one.resolve(LATEST), "codebook")


def test_an_altered_sidecar_is_refused(repo: HandMadeRepo, store: Store) -> None:
    repo.push(store)
    store.overwrite(key_of(repo), b'{"schema_version": 1, "mean": 0}\n')
    one = reader(repo, store)
    with pytest.raises(DigestMismatchError, match="the profile of"):
        one.sidecar(one.resolve(LATEST), "profile")


def test_a_missing_sidecar_is_named(repo: HandMadeRepo, store: Store) -> None:
    repo.push(store)
    store.delete([key_of(repo)])
    one = reader(repo, store)
    with pytest.raises(NotFoundError):
        one.sidecar(one.resolve(LATEST), "profile")


def test_the_same_bytes_described_otherwise_collide_with_nothing(repo: HandMadeRepo) -> None:
    store = MemoryStore()
    repo.push(store)
    before = key_of(repo)
    other = HandMadeRepo(repo.root, repo.keys)
    other.declare(NAME, "other")
    other.build("other", b"payload")
    add_sidecars(repo.root / "manifests/other.json", {"profile": b'{"weight": "other"}\n'})
    other.update_latest()
    commit(other)
    other.push(store)
    one = reader(repo, store)
    assert one.sidecar(one.resolve("us/other@latest"), "profile") == b'{"weight": "other"}\n'
    assert one.sidecar(one.resolve(LATEST), "profile") == PROFILE
    kinds = [parse_key(info.key) for info in store.list("us/")]
    assert sum(kind is not None and kind.kind == "sidecar" for kind in kinds) == 3
    assert before in {info.key for info in store.list("us/")}


@pytest.mark.parametrize("damage", ["removed", "edited"])
def test_a_damaged_file_is_found_by_verify_and_not_pushed(repo: HandMadeRepo, damage: str) -> None:
    file = repo.root / f"manifests/{NAME}.profile.json"
    if damage == "removed":
        file.unlink()
    else:
        file.write_bytes(b"{}\n")
    (checked,) = verify(DataRepo(repo.root))
    assert checked.verdict == "differs"
    assert f"manifests/{NAME}.profile.json" in checked.detail
    with pytest.raises(VerificationError, match=r"profile\.json"):
        repo.push(MemoryStore())


@pytest.mark.parametrize("then", ["left", "committed"])
def test_an_edited_file_comes_back_as_advised_though_the_edit_was_committed(
    repo: HandMadeRepo, then: str
) -> None:
    file = repo.root / f"manifests/{NAME}.profile.json"
    file.write_bytes(b"{}\n")
    if then == "committed":
        commit(repo)
    with pytest.raises(VerificationError) as refused:
        repo.push(MemoryStore())
    assert str(refused.value.remedy) == "Nothing was pushed. Commit it, and push again."
    (advised,) = commands_in(refused.value.message)
    run(*shlex.split(advised), cwd=repo.root)
    assert file.read_bytes() == PROFILE
    if then == "committed":
        commit(repo)
    repo.push(MemoryStore())


def test_fsck_finds_and_repairs_sidecars(repo: HandMadeRepo, tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "bucket")
    repo.push(store)
    profile, codebook = key_of(repo), key_of(repo, "codebook")
    store.delete([profile])
    store.overwrite(codebook, b"{}")
    stray = profile.replace("profile", "stray")
    store.overwrite(stray, b"{}")
    found = fsck(DataRepo(repo.root), store=store.url).report.findings
    assert {(one.fault, one.key) for one in found} == {
        ("missing", profile),
        ("corrupt", codebook),
        ("orphaned", stray),
    }
    fsck(DataRepo(repo.root), store=store.url, repair=True)
    left = fsck(DataRepo(repo.root), store=store.url).report.findings
    assert [one.key for one in left] == [stray]
    one = reader(repo, store)
    assert one.sidecar(one.resolve(LATEST), "codebook") == CODEBOOK


def test_gc_keeps_sidecars_with_their_artifact(repo: HandMadeRepo, tmp_path: Path) -> None:
    from datetime import timedelta

    store = LocalStore(tmp_path / "bucket")
    repo.push(store)
    lost = "us/00/" + "0" * 64 + "." + "1" * 64 + ".profile.json"
    store.create(lost, b"{}")
    planned = gc(DataRepo(repo.root), store=store.url, grace=timedelta(0))
    assert [one.info.key for one in planned.plan.unreachable] == [lost]


def test_adopting_brings_the_sidecars(repo: HandMadeRepo, tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "bucket")
    repo.push(store)
    theirs = {path.name: path.read_bytes() for path in (repo.root / "manifests").iterdir()}
    other = b'{"tables": [{"name": "t", "rows": 3, "columns": {}}]}\n'
    add_sidecars(repo.root / f"manifests/{NAME}.json", {"profile": other})
    write_metrics(repo.root, "manifests")
    assert (repo.root / metrics_path("manifests")).exists()
    adopt_manifest(DataRepo(repo.root), NAME, store=store.url)
    here = {path.name: path.read_bytes() for path in (repo.root / "manifests").iterdir()}
    assert here == theirs


def test_a_build_that_was_never_pushed_is_brought_with_its_sidecars(
    repo: HandMadeRepo, tmp_path: Path
) -> None:
    from pe_dvc.project.earlier_builds import EarlierBuilds
    from tests.support.factories import pointer_to

    store, before = MemoryStore(), manifest_of(repo)
    repo.build(NAME, b"newer")
    shutil.rmtree(repo.root / "manifests")
    repo.build(NAME, b"newer")
    commit(repo)
    assert EarlierBuilds(DataRepo(repo.root), store)(pointer_to(before))
    assert {one.key for one in content_sidecars(before).values()} <= {
        info.key for info in store.list("us/")
    }
