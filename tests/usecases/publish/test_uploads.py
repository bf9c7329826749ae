"""Uploads side by side, in a bounded part of memory."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, cast

import pytest

from pe_dvc.primitives.errors import StoreUnavailableError
from pe_dvc.primitives.turns import blocking_wait
from pe_dvc.usecases.parallel import TRANSFERS
from pe_dvc.usecases.progress import Silent
from pe_dvc.usecases.publish import uploads
from pe_dvc.usecases.publish.uploads import upload_all
from tests.support.memory_store import MemoryStore
from tests.support.stores import WrappedStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pe_dvc.usecases.publish.cache_objects import CacheObject
    from tests.support.stores import Result

LARGE, SMALL = 100, 10


class Watched(WrappedStore):
    """Counts the bytes of the files that are being uploaded at once, and the most there were."""

    def __init__(self, sizes: dict[str, int]) -> None:
        super().__init__(MemoryStore())
        self.sizes, self.now, self.most, self.begun = sizes, 0, 0, 0
        self._lock = threading.Lock()
        self.fails = False
        self.meeting = threading.Barrier(1)

    def _do(self, operation: str, key: str, work: Callable[[], Result]) -> Result:
        if operation != "upload":
            return super()._do(operation, key, work)
        with self._lock:
            self.now += self.sizes[key]
            self.most, self.begun = max(self.most, self.now), self.begun + 1
        try:
            with blocking_wait():
                self.meeting.wait()
                threading.Event().wait(0.005)
            if self.fails:
                raise StoreUnavailableError("no network", operation="upload", key=key)
            return super()._do(operation, key, work)
        finally:
            with self._lock:
                self.now -= self.sizes[key]


@pytest.fixture(autouse=True)
def memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "UPLOAD_MEMORY", LARGE)
    monkeypatch.setattr(uploads, "MEMORY", 2 * LARGE)


def payloads(folder: Path, sizes: list[int]) -> list[CacheObject]:
    made = []
    for number, size in enumerate(sizes):
        path = folder / f"{number:032x}"
        path.write_bytes(bytes(size))
        made.append(_Payload(path))
    return cast("list[CacheObject]", made)


class _Payload:
    """What an upload asks of an object of DVC's cache."""

    sha256 = None
    is_listing = False

    def __init__(self, path: Path) -> None:
        self.path, self.md5 = path, path.name

    def check_md5(self) -> None: ...


def upload(store: Watched, made: list[CacheObject]) -> int:
    with ThreadPoolExecutor(TRANSFERS) as pool:
        return upload_all(store, "us", made, Silent(), pool)


def watched(made: list[CacheObject]) -> Watched:
    keys = {f"us/files/md5/{one.md5[:2]}/{one.md5[2:]}": one.path for one in made}
    return Watched({key: path.stat().st_size for key, path in keys.items()})


def test_many_large_files_hold_no_more_memory_than_two(tmp_path: Path) -> None:
    """16 files of 128 MiB took 2 GiB: each upload holds its own parts."""
    made = payloads(tmp_path, [LARGE, SMALL] * 16)
    store = watched(made)
    assert upload(store, made) == 16 * (LARGE + SMALL)
    assert store.most <= 2 * LARGE
    assert len(cast("MemoryStore", store.inner).objects) == 32


def test_small_files_go_side_by_side(tmp_path: Path) -> None:
    made = payloads(tmp_path, [SMALL] * 60)
    store = watched(made)
    store.meeting = threading.Barrier(12, timeout=60)  # none ends before 12 are under way
    upload(store, made)
    assert len(cast("MemoryStore", store.inner).objects) == 60


def test_a_file_that_is_larger_than_the_memory_is_uploaded(tmp_path: Path) -> None:
    made = payloads(tmp_path, [5 * LARGE, 5 * LARGE])
    assert upload(watched(made), made) == 10 * LARGE


def test_after_a_failure_none_of_those_that_waited_begins(tmp_path: Path) -> None:
    made = payloads(tmp_path, [LARGE] * 16)
    store = watched(made)
    store.fails = True
    with pytest.raises(StoreUnavailableError, match="no network"):
        upload(store, made)
    assert store.begun <= 4
