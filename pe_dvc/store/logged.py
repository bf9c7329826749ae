"""A store that logs its requests to ``pe_dvc.store.logged``: no bytes, and no secrets."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from pe_dvc.primitives.errors import PeDvcError
from pe_dvc.primitives.redact import redact_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.atomic_write import OpenFile
    from pe_dvc.store.batch import BatchWriter
    from pe_dvc.store.port import ObjectInfo, Progress, Store

log = logging.getLogger(__name__)
T = TypeVar("T")


def logged(store: Store) -> Store:
    """Return ``store``, which logs its requests if anything listens at level DEBUG."""
    return LoggedStore(store) if log.isEnabledFor(logging.DEBUG) else store


def unlogged(store: Store) -> Store:
    """Return the store itself, of one that ``logged`` returned."""
    return store._store if isinstance(store, LoggedStore) else store


class LoggedStore:
    """Forwards to a store, and logs each request once it is answered."""

    def __init__(self, store: Store) -> None:
        self._store, self._address = store, redact_text(store.url)

    @property
    def url(self) -> str:
        """The store's address."""
        return self._store.url

    def head(self, key: str) -> ObjectInfo:
        """Forward."""
        return self._request("head", key, lambda: self._store.head(key))

    def read(self, key: str, *, limit: int) -> tuple[bytes, ObjectInfo]:
        """Forward."""
        return self._request("read", key, lambda: self._store.read(key, limit=limit))

    def read_range(self, key: str, start: int, length: int) -> bytes:
        """Forward."""
        what = f"{key} [{start}+{length}]"
        return self._request("read", what, lambda: self._store.read_range(key, start, length))

    def download(
        self, key: str, path: Path | OpenFile, *, size: int, progress: Progress | None = None
    ) -> Sha256:
        """Forward."""
        return self._request(
            "download", key, lambda: self._store.download(key, path, size=size, progress=progress)
        )

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Forward; the list is logged before it is read."""
        log.debug("list %s/%s", self._address, prefix)
        return self._store.list(prefix)

    def create(self, key: str, data: bytes) -> ObjectInfo:
        """Forward."""
        return self._request("create", key, lambda: self._store.create(key, data))

    def compare_and_swap(self, key: str, data: bytes, etag: str | None) -> ObjectInfo:
        """Forward."""
        return self._request(
            "compare and swap", key, lambda: self._store.compare_and_swap(key, data, etag)
        )

    def overwrite(self, key: str, data: bytes) -> ObjectInfo:
        """Forward."""
        return self._request("overwrite", key, lambda: self._store.overwrite(key, data))

    def upload(
        self,
        key: str,
        path: Path,
        *,
        sha256: Sha256 | None = None,
        progress: Progress | None = None,
    ) -> Sha256:
        """Forward."""
        return self._request(
            "upload", key, lambda: self._store.upload(key, path, sha256=sha256, progress=progress)
        )

    def write_blocks(self, key: str, blocks: Iterable[bytes], *, size: int) -> None:
        """Forward."""
        self._request("write", key, lambda: self._store.write_blocks(key, blocks, size=size))

    @contextmanager
    def batch(self) -> Iterator[BatchWriter]:
        """Forward; what is written in it is logged, too."""
        with self._store.batch() as batch:
            yield _LoggedBatch(batch, self._request)

    def delete(self, keys: Iterable[str]) -> None:
        """Forward."""
        removed = [*keys]
        self._request("delete", f"{len(removed)} objects", lambda: self._store.delete(removed))

    def purge(self, keys: Iterable[str]) -> None:
        """Forward."""
        removed = [*keys]
        self._request("purge", f"{len(removed)} objects", lambda: self._store.purge(removed))

    def _request(self, operation: str, key: str, call: Callable[[], T]) -> T:
        begun = time.monotonic()
        outcome = "failed"
        try:
            result = call()
            outcome = "ok"
        except PeDvcError as error:
            outcome = type(error).__name__
            raise
        finally:
            took = (time.monotonic() - begun) * 1000
            log.debug("%s %s/%s: %s, %.0f ms", operation, self._address, key, outcome, took)
        return result


class _LoggedBatch:
    """Forwards to a batch, by ``request`` of the store that logs."""

    def __init__(self, batch: BatchWriter, request: Callable[..., None]) -> None:
        self._batch, self._request = batch, request

    def write_blocks(self, key: str, blocks: Iterable[bytes], *, size: int) -> None:
        """Forward."""
        self._request("write", key, lambda: self._batch.write_blocks(key, blocks, size=size))

    def filling(self, key: str) -> AbstractContextManager[OpenFile] | None:
        """Forward: the download that fills it is what is logged."""
        return self._batch.filling(key)
