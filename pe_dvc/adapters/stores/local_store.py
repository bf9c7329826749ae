"""The store on plain files: a directory, on this machine or mounted.

Writes land in a private directory of the store and take their name in one step, so that a
reader sees an object whole or not at all, whichever process is killed. Objects are plain files:
DVC uses the same directory as its remote.
"""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

from pe_dvc.adapters.stores.os_errors import translate_os_errors, translated
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import ConflictError, NotFoundError
from pe_dvc.store.atomic_write import open_to_fill
from pe_dvc.store.checks import (
    PRIVATE_PART,
    check_key,
    check_length,
    check_prefix,
    check_upload,
    too_long,
)
from pe_dvc.store.disk import writing_to
from pe_dvc.store.locks import exclusive
from pe_dvc.store.port import ObjectInfo, Progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BLOCK_SIZE = 1024 * 1024
LOCK_TIMEOUT = 30.0
"""Seconds that ``compare_and_swap`` waits for another writer."""


class LocalStore:
    """The store of a directory; a directory that does not exist yet is an empty store."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._private = self._root / PRIVATE_PART

    @property
    def url(self) -> str:
        """The directory."""
        return str(self._root)

    def head(self, key: str) -> ObjectInfo:
        """See Store.head."""
        with self._opened("read", key) as file:
            return _info(key, os.fstat(file.fileno()))

    def read(self, key: str, *, limit: int) -> tuple[bytes, ObjectInfo]:
        """See Store.read."""
        with self._opened("read", key) as file:
            info, data = _info(key, os.fstat(file.fileno())), file.read(limit + 1)
        if len(data) > limit:
            raise too_long(key, limit=limit, source=self.url)
        return data, info

    def read_range(self, key: str, start: int, length: int) -> bytes:
        """See Store.read_range."""
        with self._opened("read", key) as file:
            file.seek(start)
            return file.read(length)

    def create(self, key: str, data: bytes) -> ObjectInfo:
        """See Store.create."""
        with self._writing("write", key) as (temporary, file):
            file.write(data)
            return self._publish(key, temporary, file, replace=False)

    def compare_and_swap(self, key: str, data: bytes, etag: str | None) -> ObjectInfo:
        """See Store.compare_and_swap."""
        if etag is None:
            return self.create(key, data)
        with self._locked(key):
            try:
                found = self.head(key).etag
            except NotFoundError:
                raise self._conflict(key, "it does not exist any more") from None
            if found != etag:
                raise self._conflict(key, "another process wrote it in the meantime")
            return self.overwrite(key, data)

    def overwrite(self, key: str, data: bytes) -> ObjectInfo:
        """See Store.overwrite."""
        with self._writing("write", key) as (temporary, file):
            file.write(data)
            return self._publish(key, temporary, file)

    def upload(
        self,
        key: str,
        path: Path,
        *,
        sha256: Sha256 | None = None,
        progress: Progress | None = None,
    ) -> Sha256:
        """See Store.upload."""
        with (
            translate_os_errors("upload", str(path)),
            path.open("rb") as source,
            self._writing("upload", key) as (temporary, file),
        ):
            digest, _ = _copy(source, file, progress)
            check_upload(key, expected=sha256, actual=digest, source=str(path))
            # DVC takes a writable object of a directory remote for one that may have changed:
            # it hashes it at each pull, and removes it from the store if it did.
            os.fchmod(file.fileno(), 0o444)
            self._publish(key, temporary, file)
            return digest

    def download(
        self, key: str, path: Path, *, size: int, progress: Progress | None = None
    ) -> Sha256:
        """See Store.download."""
        with self._opened("download", key) as source:
            length = os.fstat(source.fileno()).st_size
            check_length(key, expected=size, actual=length, source=self.url)
            with (
                translate_os_errors("download to", str(path)),
                writing_to(path),
                open_to_fill(path, size) as target,
            ):
                digest, copied = _copy(source, target, progress)
        check_length(key, expected=size, actual=copied, source=self.url)
        return digest

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See Store.list."""
        bare = check_prefix(prefix)
        with translate_os_errors("list", f"{self.url}/{bare}"):
            yield from _walk(self._root / bare, f"{bare}/" if bare else "")

    def delete(self, keys: Iterable[str]) -> None:
        """See Store.delete."""
        for key in keys:
            try:
                self._path(key).unlink()
            except OSError as error:
                problem = translated(error, "delete", f"{self.url}/{key}")
                if not isinstance(problem, NotFoundError):
                    raise problem from error

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    @contextmanager
    def _writing(self, operation: str, key: str) -> Iterator[tuple[Path, IO[bytes]]]:
        """Yield a temporary file for an object about to be written; say what failed."""
        try:
            with self._temporary() as temporary:
                yield temporary
        except OSError as error:
            raise translated(error, operation, f"{self.url}/{key}") from error

    @contextmanager
    def _opened(self, operation: str, key: str) -> Iterator[IO[bytes]]:
        path = self._path(key)
        try:
            with path.open("rb") as file:
                yield file
        except OSError as error:
            raise translated(error, operation, f"{self.url}/{key}") from error

    @contextmanager
    def _temporary(self) -> Iterator[tuple[Path, IO[bytes]]]:
        """Yield a new file in the private directory, of the user's usual permissions."""
        directory = self._private / "incoming"
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / uuid.uuid4().hex
        try:
            with path.open("xb") as file:
                yield path, file
        finally:
            path.unlink(missing_ok=True)

    def _publish(
        self, key: str, temporary: Path, file: IO[bytes], *, replace: bool = True
    ) -> ObjectInfo:
        _finish(file)
        target = self._room_for(key)
        if replace:
            temporary.replace(target)
        else:
            try:
                # A link fails where the name exists, in one step: of many processes exactly one
                # wins, and what it wrote is complete.
                target.hardlink_to(temporary)
            except FileExistsError:
                raise self._conflict(key, "it exists already") from None
        _sync(target.parent)
        return _info(key, os.fstat(file.fileno()))

    def _room_for(self, key: str) -> Path:
        """Return the path of an object about to be written, with its directories made."""
        target = self._path(key)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise self._conflict(key, "a part of its path is a file") from None
        if target.is_dir():
            raise self._conflict(key, "there is a directory of that name")
        return target

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        directory = self._private / "locks"
        try:
            directory.mkdir(parents=True, exist_ok=True)
            with exclusive(
                directory / "write",
                timeout=LOCK_TIMEOUT,
                doing=f"writing to {self.url}",
                remedy="Try again once the other writer is done.",
            ):
                yield
        except OSError as error:
            raise translated(error, "write", f"{self.url}/{key}") from error

    def _conflict(self, key: str, why: str) -> ConflictError:
        return ConflictError(f"{key} in {self.url} was not written: {why}")


def _info(key: str, status: os.stat_result) -> ObjectInfo:
    etag = f"{status.st_mtime_ns:x}-{status.st_size:x}-{status.st_ino:x}"
    modified = datetime.fromtimestamp(status.st_mtime, UTC)
    return ObjectInfo(key=key, size=status.st_size, etag=etag, modified=modified)


def _finish(file: IO[bytes]) -> None:
    file.flush()
    # The kernel's own stamps tick every few milliseconds, and inodes are used again: only a
    # stamp of the nanosecond clock gives two quick writes two etags.
    now = time.time_ns()
    os.utime(file.fileno(), ns=(now, now))
    os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy(source: IO[bytes], target: IO[bytes], progress: Progress | None) -> tuple[Sha256, int]:
    """Copy to the end of ``source``, hashing the bytes as they are written; and their number."""
    digest, copied = hashlib.sha256(), 0
    while block := source.read(BLOCK_SIZE):
        target.write(block)
        digest.update(block)
        copied += len(block)
        if progress is not None:
            progress(len(block))
    return Sha256(digest.hexdigest()), copied


def _walk(directory: Path, prefix: str) -> Iterator[ObjectInfo]:
    """Yield the objects below ``directory`` in the order of their keys."""
    try:
        entries = list(os.scandir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return
    # The slash counts when keys are compared: "a-b" comes before "a/b", and "a.b" too.
    for entry in sorted(entries, key=lambda entry: entry.name + "/" * entry.is_dir()):
        key = prefix + entry.name
        if key == PRIVATE_PART or (entry.name.startswith(".") and entry.name.endswith(".tmp")):
            continue  # ours, and what DVC leaves when it is killed while it writes
        if entry.is_dir():
            yield from _walk(Path(entry.path), f"{key}/")
            continue
        try:
            yield _info(key, entry.stat())
        except FileNotFoundError:
            continue  # removed since the directory was read
