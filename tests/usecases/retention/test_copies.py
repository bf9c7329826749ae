"""``copies`` of [tool.pe_dvc]: what is removed must still be in so many mirrors, verified."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.primitives.errors import ConflictError, StorePermissionError, StoreUnavailableError
from pe_dvc.project.gc import gc
from pe_dvc.project.repo import DataRepo
from pe_dvc.usecases.retention.distinct_mirrors import distinct_mirrors
from tests.support.kept_repo import SETTINGS, KeptRepo
from tests.support.memory_store import MemoryStore
from tests.support.stores import WrappedStore

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.store.port import ObjectInfo
    from pe_dvc.usecases.retention.gc import Collected


class _Down(WrappedStore):
    def head(self, key: str) -> ObjectInfo:
        raise StoreUnavailableError("no answer", operation="head", key=key)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeptRepo:
    """A repo with garbage in its bucket: an older build that no commit has any more."""
    made = KeptRepo(tmp_path, monkeypatch)
    monkeypatch.setenv("PE_DVC_STORE", "/srv/store")
    made.build("first")
    before = made.git("rev-parse", "HEAD")
    made.push()
    for key in [k for k in made.bucket.objects if k.startswith("channels/")]:
        del made.bucket.objects[key]
    garbage = dict(made.bucket.objects)
    made.git("reset", "--quiet", "--hard", f"{before}~1")
    made.git("reflog", "expire", "--expire=now", "--all")
    made.build("second")
    made.push()
    assert garbage.keys() < made.bucket.objects.keys()
    return made


def _collect(kept: KeptRepo, monkeypatch: pytest.MonkeyPatch, *mirrors: object) -> Collected:
    tables = "".join(f'[tool.pe_dvc.mirrors.m{n}]\nurl = "/srv/{n}"\n' for n in range(len(mirrors)))
    settings = SETTINGS.replace('country = "us"\n', 'country = "us"\ncopies = 2\n')
    (kept.files.root / "pyproject.toml").write_text(settings + tables)
    kept.commit("Copies")
    places = {f"/srv/{n}": mirror for n, mirror in enumerate(mirrors)}
    monkeypatch.setattr(DataRepo, "open_other", lambda _repo, url: places[url])
    return gc(kept.repo, apply=True, grace=timedelta(0))


def _copy(kept: KeptRepo) -> MemoryStore:
    mirror = MemoryStore()
    mirror.objects.update(kept.bucket.objects)
    return mirror


def test_enough_copies_let_it_go(kept: KeptRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    done = _collect(kept, monkeypatch, _copy(kept), _copy(kept))
    assert done.plan.unreachable
    assert {one.copies for one in done.plan.unreachable} == {2}
    assert done.plan.short == []
    assert done.swept is not None
    assert done.swept.removed == len(done.plan.unreachable)


@pytest.mark.parametrize("fault", ["one mirror", "altered", "cut", "down", "empty"])
def test_too_few_copies_keep_it(
    kept: KeptRepo, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    before, other = dict(kept.bucket.objects), _copy(kept)
    mirrors: list[object] = [_copy(kept), other]
    for key, data in before.items():
        if fault == "altered":
            other.objects[key] = bytes([data[0] ^ 1]) + data[1:]
        if fault == "cut":
            other.objects[key] = data[:-1]
        if fault == "empty":
            del other.objects[key]
    if fault == "one mirror":
        mirrors.pop()
    if fault == "down":
        mirrors[1] = _Down(other)
    done = _collect(kept, monkeypatch, *mirrors)
    assert done.plan.unreachable == []
    assert {one.copies for one in done.plan.short} == {1}
    assert kept.bucket.objects == before


def test_what_a_kept_manifest_promises_stays(
    kept: KeptRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = _copy(kept)
    for key in [key for key in other.objects if key.endswith(".manifest.json")]:
        del other.objects[key]
    before = dict(kept.bucket.objects)
    done = _collect(kept, monkeypatch, _copy(kept), other)
    assert done.plan.unreachable == []
    assert kept.bucket.objects == before


def test_a_mirror_that_is_the_store_is_no_copy(
    kept: KeptRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PE_DVC_STORE", "/srv/0")
    with pytest.raises(ConflictError, match="one place"):
        _collect(kept, monkeypatch, kept.bucket)


class _ReadOnly(WrappedStore):
    def create(self, key: str, data: bytes) -> ObjectInfo:
        raise StorePermissionError("read only", operation="write", key=key)


@pytest.mark.parametrize(
    ("places", "copies"),
    [
        ("one mirror by two addresses", 1),
        ("the bucket itself by another address", 1),
        ("the bucket itself by two addresses", 0),
        ("two mirrors that can only be read", 1),
        ("a mirror, and the bucket that can only be read", 1),
        ("a mirror, and itself that can only be read", 1),
    ],
)
def test_a_place_counts_once(
    kept: KeptRepo, monkeypatch: pytest.MonkeyPatch, places: str, copies: int
) -> None:
    before, one, bucket = dict(kept.bucket.objects), _copy(kept), kept.bucket
    mirrors = {
        "one mirror by two addresses": (one, WrappedStore(one)),
        "the bucket itself by another address": (WrappedStore(bucket), one),
        "the bucket itself by two addresses": (WrappedStore(bucket), WrappedStore(bucket)),
        "two mirrors that can only be read": (_ReadOnly(one), _ReadOnly(_copy(kept))),
        "a mirror, and the bucket that can only be read": (one, _ReadOnly(bucket)),
        "a mirror, and itself that can only be read": (one, _ReadOnly(one)),
    }[places]
    done = _collect(kept, monkeypatch, *mirrors)
    assert done.plan.unreachable == []
    assert {short.copies for short in done.plan.short} == {copies}
    assert kept.bucket.objects == before
    assert not [key for key in one.objects if "/locks/" in key]


def test_a_mirror_that_can_only_be_read_is_a_copy(
    kept: KeptRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = _collect(kept, monkeypatch, _copy(kept), _ReadOnly(_copy(kept)))
    assert {one.copies for one in done.plan.unreachable} == {2}


@pytest.mark.parametrize("second", ["same", "link", "inside a link"])
def test_directories_that_are_one_place(tmp_path: Path, second: str) -> None:
    """A bind mount is a directory whose path says nothing; a link stands for it."""
    place = tmp_path / "place"
    LocalStore(place).create("us/x", b"x")
    link = tmp_path / "link"
    link.symlink_to(place if second != "inside a link" else tmp_path)
    other = {"same": place, "link": link, "inside a link": link / "place"}[second]
    origin = LocalStore(tmp_path / "origin")
    one, two, three = LocalStore(place), LocalStore(other), LocalStore(tmp_path / "else")
    assert distinct_mirrors(origin, [one, two, three], "us") == [[one, two], [three]]
    assert distinct_mirrors(two, [one, three], "us") == [[three]]
