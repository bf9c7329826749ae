"""Buckets in a directory: what ``s3_server`` serves.

Every object is a small index file, ``buckets/<bucket>/<quoted key>``, that names a file of bytes
and the segments of it that make up the object. So a PUT becomes visible by one rename (or, for
``If-None-Match: *``, one link), a multipart upload is completed without copying a byte, and all
that is read is sent by ``sendfile``.
"""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from benchmarks.s3_uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Parts of one upload lie in one sparse file, each at its number times this: S3's largest part.
PART_STRIDE = 5 << 30
S3_MAX_PARTS = 10_000

_serial = itertools.count()


class PreconditionFailed(Exception):  # noqa: N818 - S3's own name for it
    """``If-None-Match`` or ``If-Match`` did not hold."""


@dataclass(frozen=True)
class Stored:
    """The index of one object: ``segments`` are (offset, length) in the file ``data``."""

    data: str
    segments: list[list[int]]
    size: int
    etag: str
    modified: float
    cache_control: str = ""


class Objects:
    """All buckets below ``root``. Safe for threads and processes: the file system is the lock."""

    def __init__(self, root: Path, *, keeps_parts: bool = True) -> None:
        self.keeps_parts = keeps_parts
        self._buckets, self._data = root / "buckets", root / "data"
        self._lock = root / "lock"
        self.uploads = Uploads(root)
        for path in (self._buckets, self._data):
            path.mkdir(parents=True, exist_ok=True)
        self._lock.touch()

    def create_bucket(self, bucket: str) -> None:
        (self._buckets / bucket).mkdir(exist_ok=True)

    def has_bucket(self, bucket: str) -> bool:
        return (self._buckets / bucket).is_dir()

    def new_data(self) -> tuple[str, int]:
        """Create a file for bytes; return its name and a descriptor to write it by."""
        name = f"{os.getpid()}-{next(_serial)}"
        return name, os.open(self._data / name, os.O_RDWR | os.O_CREAT, 0o600)

    def open_data(self, name: str, flags: int = os.O_RDONLY) -> int:
        return os.open(self._data / name, flags)

    def find(self, bucket: str, key: str) -> Stored | None:
        try:
            return Stored(**json.loads(self._index(bucket, key).read_bytes()))
        except FileNotFoundError:
            return None

    def commit(
        self,
        bucket: str,
        key: str,
        data: str,
        segments: list[list[int]],
        *,
        create: bool = False,
        if_match: str | None = None,
        cache_control: str = "",
    ) -> Stored:
        """Make ``segments`` of the file ``data`` the object. Raises PreconditionFailed."""
        size = sum(length for _, length in segments)
        # The suffix says "multipart", so that no client takes the etag for an md5 of the bytes.
        etag = f'"{os.urandom(16).hex()}-1"'
        stored = Stored(data, segments, size, etag, time.time(), cache_control)
        index = self._index(bucket, key)
        temporary = self._data / f"{data}.index"
        temporary.write_text(json.dumps(asdict(stored)))
        try:
            if create:
                os.link(temporary, index)
            else:
                self._replace(bucket, key, temporary, if_match)
        except FileExistsError:
            raise PreconditionFailed from None
        finally:
            temporary.unlink(missing_ok=True)
        return stored

    def remove(self, bucket: str, key: str) -> None:
        stored = self.find(bucket, key)
        with suppress(FileNotFoundError):
            self._index(bucket, key).unlink()
        if stored:
            self.discard(stored.data)

    def discard(self, data: str) -> None:
        self.uploads.end(data)
        (self._data / data).unlink(missing_ok=True)

    def keys(self, bucket: str, prefix: str) -> list[str]:
        start = quote(prefix, safe="")
        with os.scandir(self._buckets / bucket) as entries:
            return sorted(unquote(e.name) for e in entries if e.name.startswith(start))

    def _replace(self, bucket: str, key: str, temporary: Path, if_match: str | None) -> None:
        with self._exclusive():
            old = self.find(bucket, key)
            if if_match is not None and (old is None or old.etag != if_match):
                raise PreconditionFailed
            temporary.rename(self._index(bucket, key))
        if old:
            self.discard(old.data)

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        with self._lock.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _index(self, bucket: str, key: str) -> Path:
        return self._buckets / bucket / quote(key, safe="")
