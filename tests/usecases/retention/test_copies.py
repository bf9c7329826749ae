"""``copies`` of [tool.pe_dvc]: what is removed must still be in so many mirrors, verified."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import ConflictError, StoreUnavailableError
from pe_dvc.project.gc import gc
from pe_dvc.project.repo import DataRepo
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
