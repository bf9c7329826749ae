"""Objects that a directory store takes in together, so that its disk is flushed less often.

Each fsync has the file system commit its journal. So files are written first, and the kernel is
asked to bring them to the disk; once some dozens wait, all are flushed, most by the first one's
commit, and then renamed. No object has its name before its bytes are on the disk. The folders are
flushed once, at the end: a power cut before that may take names away, never bytes.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from pe_dvc.adapters.stores.local_names import INCOMING, place_of, protect, replace, stamp
from pe_dvc.adapters.stores.os_errors import translate_os_errors
from pe_dvc.primitives.errors import (
    DiskFullError,
    FormatError,
    NotFoundError,
    StoreUnavailableError,
)
from pe_dvc.store.atomic_write import OpenFile
from pe_dvc.store.file_ranges import write_at
from pe_dvc.store.left_overs import sweep, temporary_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pe_dvc.store.confined import ConfinedTree

T = TypeVar("T")

_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC

FILES_WAITING = 64
"""Files that are flushed together; as many are open at once, and one more for each thread."""
BYTES_WAITING = 32 * 1024 * 1024
"""Bytes from which on fewer files are flushed: the disk is to write while others are read."""
FLUSHES_AT_ONCE = 16
"""Flushes that the disk is asked for at once: it does those that wait together in one go."""
FOLDERS_OPEN = 32
"""Folders of the store that stay open while a batch is written."""


class _Written(NamedTuple):
    """A file that waits to become the object ``key``: its temporary name, and its descriptor."""

    key: str
    name: str
    file: int


class LocalBatch:
    """A batch of the store at ``url``, whose directory ``tree`` is. Safe for threads."""

    def __init__(self, tree: ConfinedTree, url: str) -> None:
        self._tree, self._url = tree, url
        self._lock, self._flushing = threading.Lock(), threading.Lock()
        self._files: dict[str, int] = {}
        self._waiting: list[_Written] = []
        self._bytes = 0
        self._folders: set[str] = set()
        from pe_dvc.primitives.pools import Pool

        self._pool = Pool(FLUSHES_AT_ONCE, name="pe-dvc-flush")
        with translate_os_errors("write", url), tree.parent(f"{INCOMING}/x", make=True) as (at, _):
            sweep(at)
            self._incoming = os.dup(at)

    def write_blocks(self, key: str, blocks: Iterable[bytes], *, size: int) -> None:
        """See BatchWriter.write_blocks."""
        with self._writing(key) as file:
            written = 0
            for block in blocks:
                written += write_at(file, block, written)

    @contextmanager
    def filling(self, key: str) -> Iterator[OpenFile]:
        """See BatchWriter.filling."""
        with self._writing(key) as file:
            try:
                yield OpenFile(Path(self._url, key), file)
            except DiskFullError as error:
                raise StoreUnavailableError(
                    error.message, operation="write", key=key, remedy=error.remedy
                ) from error

    def finish(self) -> None:
        """Give all that waits its name, and flush the folders."""
        with self._flushing:
            self._flush()
        self._each(self._flush_folder, sorted(self._folders))

    def discard(self) -> None:
        """Remove the files that have no name yet; at any moment, from any thread."""
        for name in [*self._files]:
            self._unlink(name)

    def _unlink(self, name: str) -> None:
        with suppress(OSError):  # it has its name by now, or the directory is gone
            os.unlink(name, dir_fd=self._incoming)

    def _drop(self, name: str) -> None:
        self._unlink(name)
        os.close(self._files.pop(name))

    def close(self) -> None:
        """Close the files that have no name yet, and end the threads."""
        self._pool.shutdown()
        for file in (*self._files.values(), self._incoming):
            os.close(file)

    @contextmanager
    def _writing(self, key: str) -> Iterator[int]:
        """Yield a new file's descriptor; the file waits afterwards to become the object."""
        name = temporary_name()
        with translate_os_errors("write", f"{self._url}/{key}"):
            file = self._files[name] = self._open(name, key)
            try:
                yield file
                protect(file)
                stamp(file)
                size = os.fstat(file).st_size
                _begin_to_flush(file)
            except BaseException:
                self._drop(name)
                raise
        with self._lock:
            self._waiting.append(_Written(key, name, file))
            self._bytes += size
        if self._is_full():
            with self._flushing:  # others wait here: files do not pile up before a slow disk
                if self._is_full():
                    self._flush()

    def _open(self, name: str, key: str) -> int:
        try:
            return os.open(name, _NEW, 0o666, dir_fd=self._incoming)
        except FileNotFoundError:
            raise StoreUnavailableError(
                f"cannot write {self._url}/{key}: {INCOMING} there was removed meanwhile",
                operation="write",
                key=key,
                remedy="Run it again.",
            ) from None

    def _is_full(self) -> bool:
        return len(self._waiting) >= FILES_WAITING or self._bytes >= BYTES_WAITING

    def _flush(self) -> None:
        with self._lock:
            written, self._waiting, self._bytes = self._waiting, [], 0
        self._each(self._flush_file, written)
        for one in written:
            try:
                self._publish(one)
            except (NotFoundError, FormatError) as error:  # the thread here writes another object
                raise StoreUnavailableError(
                    f"cannot write {self._url}/{one.key}: {error.message}",
                    operation="write",
                    key=one.key,
                    remedy=error.remedy,
                ) from error

    def _each(self, flush: Callable[[T], None], items: Iterable[T]) -> None:
        for _ in self._pool.map(flush, items):
            pass

    def _flush_file(self, one: _Written) -> None:
        with translate_os_errors("write", f"{self._url}/{one.key}"):
            os.fsync(one.file)

    def _flush_folder(self, folder: str) -> None:
        where = f"{self._url}/{folder}"
        with translate_os_errors("write", where), self._tree.parent(f"{folder}/x") as (at, _):
            os.fsync(at)

    def _publish(self, one: _Written) -> None:
        named = f"{self._url}/{one.key}"
        with (
            translate_os_errors("write", named),
            place_of(self._tree, self._url, one.key) as place,
        ):
            replace(one.name, self._incoming, place, named=named)
        self._folders.add(one.key.rpartition("/")[0])
        os.close(self._files.pop(one.name))


def _begin_to_flush(file: int) -> None:
    """Have the kernel write a file to the disk without waiting; it may leave the page cache."""
    with suppress(AttributeError, OSError):  # neither macOS nor every file system has it
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
