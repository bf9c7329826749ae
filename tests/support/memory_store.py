"""A bucket in memory, held to the store's contract, whose ``objects`` a test may change."""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import ConflictError, NotFoundError
from pe_dvc.store.atomic_write import open_to_fill
from pe_dvc.store.batch import OneByOne
from pe_dvc.store.checks import check_key, check_length, check_prefix, check_upload, too_long
from pe_dvc.store.port import ObjectInfo
from pe_dvc.store.together import NEAR

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pe_dvc.store.atomic_write import OpenFile
    from pe_dvc.store.port import Progress

NEAR.add("memory")
"""So that tests can tell what is asked when; of one with another ``url`` as of a bucket."""


class MemoryStore(OneByOne):
    """A dictionary that keeps the promises of the store port."""

    def __init__(self, url: str = "memory://bucket") -> None:
        self.url = url
        self.objects: dict[str, bytes] = {}
        self._began = datetime.now(UTC)
        self._written: dict[str, datetime] = {}
        self._lock = threading.RLock()

    def head(self, key: str) -> ObjectInfo:
        return self._info(key, self._content(key))

    def read(self, key: str, *, limit: int) -> tuple[bytes, ObjectInfo]:
        data = self._content(key)
        if len(data) > limit:
            raise too_long(key, limit=limit, source=self.url)
        return data, self._info(key, data)

    def read_range(self, key: str, start: int, length: int) -> bytes:
        return self._content(key)[start : start + length]

    def create(self, key: str, data: bytes) -> ObjectInfo:
        with self._lock:
            if check_key(key) in self.objects:
                raise ConflictError(f"{key} in {self.url} was not written: it exists already")
            return self._put(key, data)

    def compare_and_swap(self, key: str, data: bytes, etag: str | None) -> ObjectInfo:
        with self._lock:
            current = self.head(key).etag if check_key(key) in self.objects else None
            if current != etag:
                raise ConflictError(f"{key} in {self.url} was not written: it has changed")
            return self._put(key, data)

    def overwrite(self, key: str, data: bytes) -> ObjectInfo:
        return self._put(check_key(key), data)

    def upload(
        self,
        key: str,
        path: Path,
        *,
        sha256: Sha256 | None = None,
        progress: Progress | None = None,
    ) -> Sha256:
        check_key(key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise NotFoundError(f"{path} does not exist") from None
        digest = sha256_bytes(data)
        if progress is not None:
            progress(len(data))
        check_upload(key, expected=sha256, actual=digest, source=str(path))
        self._put(key, data)
        return digest

    def write_blocks(self, key: str, blocks: Iterable[bytes], *, size: int) -> None:
        self._put(check_key(key), b"".join(blocks))

    def download(
        self, key: str, path: Path | OpenFile, *, size: int, progress: Progress | None = None
    ) -> Sha256:
        data = self._content(key)
        check_length(key, expected=size, actual=len(data), source=self.url)
        with open_to_fill(path, size) as file:
            file.write(data)
        if progress is not None:
            progress(len(data))
        return sha256_bytes(data)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        bare = check_prefix(prefix)
        below = f"{bare}/" if bare else ""
        for key in sorted(key for key in self.objects if key.startswith(below)):
            yield self._info(key, self.objects[key])

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.objects.pop(check_key(key), None)

    def purge(self, keys: Iterable[str]) -> None:
        self.delete(keys)

    def shift(self, key: str, by: timedelta) -> None:
        """Let an object have been written that much later."""
        self._written[key] = self._written.get(key, self._began) + by

    def _content(self, key: str) -> bytes:
        try:
            return self.objects[check_key(key)]
        except KeyError:
            raise NotFoundError(f"{self.url}/{key} does not exist") from None

    def _put(self, key: str, data: bytes) -> ObjectInfo:
        self.objects[key] = data
        self._written[key] = datetime.now(UTC)
        return self._info(key, data)

    def _info(self, key: str, data: bytes) -> ObjectInfo:
        etag = hashlib.md5(data).hexdigest()
        modified = self._written.get(key, self._began)
        return ObjectInfo(key=key, size=len(data), etag=etag, modified=modified)
