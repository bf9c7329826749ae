"""DVC's cache as a place to bring objects into: whole, read-only, by one rename.

DVC takes a cache object that is read-only for one that it has verified, so nothing gets that
mode, or its final name, before its digest was found right.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.adapters.dvc.cache import object_place
from pe_dvc.primitives.errors import ConflictError
from pe_dvc.store.atomic_write import atomic_rename, unique, write_new

if TYPE_CHECKING:
    from collections.abc import Iterator

OBJECT_MODE = 0o444
LOCK_PATIENCE = 3.0
"""Seconds to wait for another DVC process, as DVC waits."""


class DvcObjects:
    """The objects below ``cache_dir``. Safe for concurrent threads and processes.

    ``shared`` is DVC's ``cache.shared = group``: directories that the group may write to.
    """

    def __init__(self, cache_dir: Path, *, shared: bool = False) -> None:
        self._cache_dir = cache_dir
        self._directory_mode = 0o2775 if shared else None

    def place(self, md5: str) -> str:
        """Return where the object of that hash is, or would be."""
        return object_place(self._cache_dir, md5)

    def holds(self, md5: str) -> bool:
        """Return whether there is an object of that hash."""
        return Path(self.place(md5)).exists()

    def write(self, md5: str, data: bytes) -> None:
        """Make verified bytes the object of that hash."""
        final = self.place(md5)
        with atomic_rename(final, temporary := _beside(final)):
            self._create(temporary, data, OBJECT_MODE)

    @contextlib.contextmanager
    def incoming(self, md5: str) -> Iterator[Path]:
        """Give a new, empty file, which becomes the object of that hash once the context ends.

        What is in it must be verified by then. After an exception nothing is left of it.
        """
        final = self.place(md5)
        with atomic_rename(final, temporary := _beside(final)):
            self._create(temporary, b"", 0o600)
            yield Path(temporary)
            Path(temporary).chmod(OBJECT_MODE)

    def _create(self, path: str, data: bytes, mode: int) -> None:
        try:
            write_new(path, data, mode=mode)
        except FileNotFoundError:
            self._make_directory(Path(path).parent)
            write_new(path, data, mode=mode)

    def _make_directory(self, directory: Path) -> None:
        if directory.is_dir():
            return
        self._make_directory(directory.parent)
        with contextlib.suppress(FileExistsError):
            directory.mkdir()
            if self._directory_mode is not None:
                directory.chmod(self._directory_mode)


def _beside(final: str) -> str:
    # In the object's own directory, under a name as DVC gives them: `dvc gc` clears away what a
    # crash leaves, and a thousand new files do not queue for one directory.
    return f"{final}.{unique()}.tmp"


@contextlib.contextmanager
def repo_lock(root: Path, *, patience: float = LOCK_PATIENCE) -> Iterator[None]:
    """Hold the lock that DVC's own commands hold while they change the workspace of a repo.

    Raises ConflictError if another process keeps it for over ``patience`` seconds.
    """
    path = root / ".dvc" / "tmp" / "lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        _lock(file.fileno(), path, time.monotonic() + patience)
        file.truncate(0)
        file.write(f" {os.getpid()}\n".encode())
        file.flush()
        yield


def _lock(descriptor: int, path: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise ConflictError(
                    f"another DVC or pe_dvc process is using this repo: it holds {path}",
                    remedy="Let it finish, then try again.",
                ) from None
            time.sleep(0.1)
        else:
            return
