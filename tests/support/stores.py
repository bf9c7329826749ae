"""Stores around a store, which see every operation: one remembers them, one counts bytes."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.atomic_write import OpenFile
    from pe_dvc.store.batch import BatchWriter
    from pe_dvc.store.port import ObjectInfo, Progress, Store
    from tests.support.memory_store import MemoryStore

Result = TypeVar("Result")


class WrappedStore:
    """``inner``, each operation of which goes through ``_do``."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner

    def _do(self, operation: str, key: str, work: Callable[[], Result]) -> Result:
        """Carry out an operation. ``operation`` is short: head, read, range, create, swap, …"""
        return work()

    @property
    def url(self) -> str:
        return self.inner.url

    def head(self, key: str) -> ObjectInfo:
        return self._do("head", key, lambda: self.inner.head(key))

    def read(self, key: str, *, limit: int) -> tuple[bytes, ObjectInfo]:
        return self._do("read", key, lambda: self.inner.read(key, limit=limit))

    def read_range(self, key: str, start: int, length: int) -> bytes:
        return self._do("range", key, lambda: self.inner.read_range(key, start, length))

    def create(self, key: str, data: bytes) -> ObjectInfo:
        return self._do("create", key, lambda: self.inner.create(key, data))

    def compare_and_swap(self, key: str, data: bytes, etag: str | None) -> ObjectInfo:
        return self._do("swap", key, lambda: self.inner.compare_and_swap(key, data, etag))

    def overwrite(self, key: str, data: bytes) -> ObjectInfo:
        return self._do("overwrite", key, lambda: self.inner.overwrite(key, data))

    def upload(
        self,
        key: str,
        path: Path,
        *,
        sha256: Sha256 | None = None,
        progress: Progress | None = None,
    ) -> Sha256:
        return self._do(
            "upload", key, lambda: self.inner.upload(key, path, sha256=sha256, progress=progress)
        )

    def download(
        self, key: str, path: Path | OpenFile, *, size: int, progress: Progress | None = None
    ) -> Sha256:
        return self._do(
            "download", key, lambda: self.inner.download(key, path, size=size, progress=progress)
        )

    def write_blocks(self, key: str, blocks: Iterable[bytes], *, size: int) -> None:
        self._do("blocks", key, lambda: self.inner.write_blocks(key, blocks, size=size))

    @contextmanager
    def batch(self) -> Iterator[BatchWriter]:
        """Give this store again, writing to the inner one's batch."""
        with self.inner.batch() as batch:
            within = copy(self)
            within.inner = cast("Store", batch)
            yield within

    def filling(self, key: str) -> AbstractContextManager[OpenFile] | None:
        batch = cast("BatchWriter", self.inner)
        return self._do("blocks", key, lambda: batch.filling(key))

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        yield from self._do("list", prefix, lambda: self.inner.list(prefix))

    def delete(self, keys: Iterable[str]) -> None:
        self._do("delete", "", lambda: self.inner.delete(keys))

    def purge(self, keys: Iterable[str]) -> None:
        self._do("purge", "", lambda: self.inner.purge(keys))


class RecordingStore(WrappedStore):
    """Remembers the operations in ``log``, and lets ``before`` and ``after`` interfere with them.

    Both are called with the operation's number, name and key. ``objects`` is the way into the
    bucket that an attacker has.
    """

    def __init__(self, inner: Store, objects: MutableMapping[str, bytes]) -> None:
        super().__init__(inner)
        self.objects = objects
        self.clear_record()

    @classmethod
    def of(cls, memory: MemoryStore) -> RecordingStore:
        return cls(memory, memory.objects)

    def clear_record(self) -> None:
        """Forget the operations so far, and let nothing interfere with those to come."""
        self.log: list[tuple[str, str]] = []
        self.before: Callable[[int, str, str], None] = _nothing
        self.after: Callable[[int, str, str], None] = _nothing

    def restore(self, objects: Mapping[str, bytes]) -> None:
        """Put the bucket back into an earlier state."""
        for key in [*self.objects.keys() - objects.keys()]:
            del self.objects[key]
        for key, data in objects.items():
            if self.objects.get(key) != data:
                self.objects[key] = data

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [
            (op, key) for op, key in self.log if op in {"create", "swap", "overwrite", "blocks"}
        ]

    def _do(self, operation: str, key: str, work: Callable[[], Result]) -> Result:
        number = len(self.log)
        self.log.append((operation, key))
        self.before(number, operation, key)
        try:
            return work()
        finally:
            self.after(number, operation, key)


class CountingStore(WrappedStore):
    """Counts what it is asked, and remembers which ranges of payloads."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.calls: Counter[str] = Counter()
        self.ranges: list[tuple[int, int]] = []
        self.listed = 0
        """Entries of listings that were taken."""

    @property
    def downloads(self) -> int:
        return self.calls["download"]

    @property
    def fetched(self) -> int:
        """Bytes of payloads that ranged reads asked for."""
        return sum(length for _, length in self.ranges)

    def read_range(self, key: str, start: int, length: int) -> bytes:
        if "/files/md5/" in key:
            self.ranges.append((start, length))
        return super().read_range(key, start, length)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        for info in super().list(prefix):
            self.listed += 1
            yield info

    def _do(self, operation: str, key: str, work: Callable[[], Result]) -> Result:
        self.calls[operation] += 1
        return work()


def _nothing(number: int, operation: str, key: str) -> None:
    """Do not interfere."""
