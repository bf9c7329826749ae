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
from pe_dvc.documents.dvc_hash import OBJECTS, object_key
from pe_dvc.primitives.errors import ConflictError
from pe_dvc.store.confined import OPEN_OR_MAKE, ConfinedTree
from pe_dvc.store.permissions import DVC_GROUP, USUAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pe_dvc.store.atomic_write import OpenFile

OBJECT_MODE = 0o444
LOCK_FILE = ".dvc/tmp/lock"
FOLDERS_OPEN = 32
"""Folders of the cache, and of the workspace, that stay open while a repo is pulled."""
LOCK_PATIENCE = 3.0
"""Seconds to wait for another DVC process, as DVC waits."""


class DvcObjects:
    """The objects below ``cache_dir``. Safe for concurrent threads and processes.

    ``root`` is the repo's: a cache that lies in it is a part of what others may have written, and
    no link on the way there is followed. ``shared`` is DVC's ``cache.shared = group``: directories
    that the group may write to.
    """

    def __init__(self, cache_dir: Path, *, root: Path, shared: bool = False) -> None:
        self._cache_dir = cache_dir
        root = root.absolute()
        inside = cache_dir.is_relative_to(root)
        self._tree = ConfinedTree(
            root if inside else cache_dir,
            modes=DVC_GROUP if shared else USUAL,
            keep_open=FOLDERS_OPEN,
        )
        self._prefix = f"{cache_dir.relative_to(root).as_posix()}/" if inside else ""

    def check(self) -> None:
        """Raise FormatError if a folder of the cache is a link, before anything is written."""
        parts = f"{self._prefix}{OBJECTS}".rstrip("/")
        self._tree.check_entries(parts)

    def check_objects(self, md5s: Iterable[str]) -> None:
        """Raise FormatError if an object is a link, or lies behind one."""
        self._tree.check(map(self._path, md5s))

    def place(self, md5: str) -> str:
        """Return where the object of that hash is, or would be."""
        return object_place(self._cache_dir, md5)

    def holds(self, md5: str) -> bool:
        """Return whether there is an object of that hash."""
        return Path(self.place(md5)).exists()

    def write(self, md5: str, data: bytes) -> None:
        """Make verified bytes the object of that hash."""
        self._tree.write(self._path(md5), data, mode=OBJECT_MODE)

    @contextlib.contextmanager
    def incoming(self, md5: str) -> Iterator[OpenFile]:
        """Give a new, empty file, which becomes the object of that hash once the context ends.

        What is in it must be verified by then. After an exception nothing is left of it.
        """
        with self._tree.filling(self._path(md5), mode=OBJECT_MODE) as file:
            yield file

    def _path(self, md5: str) -> str:
        # The new name is in the object's own directory, as DVC gives them: `dvc gc` clears away
        # what a crash leaves, and a thousand new files do not queue for one directory.
        return f"{self._prefix}{object_key(md5)}"


@contextlib.contextmanager
def repo_lock(root: Path, *, patience: float = LOCK_PATIENCE) -> Iterator[None]:
    """Hold the lock that DVC's own commands hold while they change the workspace of a repo.

    Raises ConflictError if another process keeps it for over ``patience`` seconds.
    """
    descriptor = ConfinedTree(root).open_file(LOCK_FILE, OPEN_OR_MAKE)
    try:
        _lock(descriptor, root / LOCK_FILE, time.monotonic() + patience)
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f" {os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


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
