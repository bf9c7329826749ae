"""A store that is opened when it is first read: of several, most are never needed."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import PeDvcError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.atomic_write import OpenFile
    from pe_dvc.store.port import ObjectInfo, Progress, ReadableStore

RETRY = 30.0
"""Seconds for which a store that could not be opened is not tried again."""


class LazyStore:
    """The store at ``url``, which ``open_store`` opens when it is first used.

    Each operation also raises what ``open_store`` raises."""

    def __init__(self, url: str, open_store: Callable[[], ReadableStore]) -> None:
        self.url, self._open = url, open_store
        self._lock = threading.Lock()  # cached_property of Python 3.11 locks all
        self._opened: ReadableStore | None = None
        self._failure: tuple[PeDvcError, float] | None = None

    @property
    def _store(self) -> ReadableStore:
        with self._lock:
            if self._opened is None:
                self._opened = self._try()
            return self._opened

    def _try(self) -> ReadableStore:
        if self._failure is not None and time.monotonic() - self._failure[1] < RETRY:
            raise self._failure[0]
        try:
            return self._open()
        except PeDvcError as error:
            self._failure = (error, time.monotonic())
            raise

    def head(self, key: str) -> ObjectInfo:
        """See ReadableStore.head."""
        return self._store.head(key)

    def read(self, key: str, *, limit: int) -> tuple[bytes, ObjectInfo]:
        """See ReadableStore.read."""
        return self._store.read(key, limit=limit)

    def read_range(self, key: str, start: int, length: int) -> bytes:
        """See ReadableStore.read_range."""
        return self._store.read_range(key, start, length)

    def download(
        self, key: str, path: Path | OpenFile, *, size: int, progress: Progress | None = None
    ) -> Sha256:
        """See ReadableStore.download."""
        return self._store.download(key, path, size=size, progress=progress)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See ReadableStore.list."""
        return self._store.list(prefix)
