"""Locks between processes, by ``flock`` and by Linux's open file description locks.

Both belong to an open file, not to a process: they hold between threads, pass to forked children,
and end with the last of those that hold the file, however it ends. None outlives a crash.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import StoreUnavailableError
from pe_dvc.store.disk import READ_ONLY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.confined import ConfinedTree

OPEN = os.O_RDWR | os.O_CREAT
"""How the file of a lock is opened, and made where there is none."""
_NO_LOCKS = frozenset([errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
"""What the operating system says of a lock that a file system or sandbox does not have."""
_PAUSE = 0.02
"""Seconds between two tries at a lock that is held elsewhere."""


@contextmanager
def exclusive(
    files: ConfinedTree,
    path: str,
    *,
    timeout: float,
    doing: str,
    remedy: str,
    on_wait: Callable[[], None] | None = None,
) -> Iterator[None]:
    """Hold a lock by the name of a file, which exists only while the lock is held or waited for.

    ``on_wait`` is called once if it has to be waited for. Once another has held it for ``timeout``
    seconds raises StoreUnavailableError, which says what the other is ``doing`` and the ``remedy``:
    of hundreds that wait, each gets its turn.
    """
    descriptor = _acquire(files, path, timeout, on_wait)
    if descriptor is None:
        raise StoreUnavailableError(
            f"another process has been {doing} for over {timeout:g} seconds, and holds "
            f"{files.root / path}",
            operation="lock",
            key=str(files.root / path),
            remedy=remedy,
        )
    try:
        yield
    finally:
        # Still locked: the next to get the lock of this file sees that it has lost its name.
        with suppress(FileNotFoundError):
            files.unlink(path)
        os.close(descriptor)


def _acquire(
    files: ConfinedTree, path: str, timeout: float, on_wait: Callable[[], None] | None
) -> int | None:
    without_folder = deadline = time.monotonic() + timeout
    while True:
        try:
            descriptor = files.open_file(path, OPEN)
        except FileNotFoundError:  # its folder went, being empty, with the lock before
            if time.monotonic() > without_folder:
                raise
            continue
        try:
            while not _try_lock(descriptor):
                if on_wait is not None:
                    on_wait()
                    on_wait = None
                if time.monotonic() > deadline:
                    os.close(descriptor)
                    return None
                time.sleep(_PAUSE)
            if _is_named(descriptor, files, path):
                return descriptor
            deadline = time.monotonic() + timeout  # who held it has ended: another has it now
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        raise _no_locks(Path(f"/proc/self/fd/{descriptor}").readlink()) from error
    return True


def _no_locks(path: Path) -> StoreUnavailableError:
    return StoreUnavailableError(
        f"the file system of {path} has no locks",
        operation="lock",
        key=str(path),
        remedy="Set PE_DVC_CACHE_DIR and PE_DVC_STATE_DIR to directories on a local disk.",
    )


def _is_named(descriptor: int, files: ConfinedTree, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), files.status(path))
    except FileNotFoundError:
        return False


def lock_range(descriptor: int, kind: int, start: int, length: int, *, wait: bool) -> bool:
    """Lock or unlock (``fcntl.F_RDLCK``, ``F_WRLCK``, ``F_UNLCK``) a range of an open file.

    Returns False if it is held by another open file and ``wait`` is False.
    """
    wanted = struct.pack("hhqqi4x", kind, os.SEEK_SET, start, length, 0)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLKW if wait else fcntl.F_OFD_SETLK, wanted)
    except BlockingIOError:
        return False
    return True


class Leases:
    """Which artifacts this process is reading: they must not be removed from the cache.

    A lease is a shared lock on one byte of one file, at an offset made from the sha256: any
    number of them costs one open file. A forked child takes leases of its own on what its
    parent had.
    """

    def __init__(self, files: ConfinedTree, path: str) -> None:
        self._files, self._path = files, path
        self._descriptor: int | None = None
        self._held: Counter[Sha256] = Counter()
        self._mutex = threading.Lock()
        self._childs: int | None = None
        os.register_at_fork(
            before=self._prepare_fork,
            after_in_parent=self._be_parent,
            after_in_child=self._be_child,
        )

    def hold(self, sha256: Sha256) -> None:
        """Take a lease; it ends by as many calls of ``release``, or with the process."""
        with self._mutex:
            if self._descriptor is None:
                self._descriptor = self._open_shared()
            if self._descriptor is not None:
                lock_range(self._descriptor, fcntl.F_RDLCK, _offset(sha256), 1, wait=True)
            self._held[sha256] += 1

    def release(self, sha256: Sha256) -> None:
        """Give back one ``hold``."""
        with self._mutex:
            self._held[sha256] -= 1
            if self._held[sha256] == 0 and self._descriptor is not None:
                del self._held[sha256]
                lock_range(self._descriptor, fcntl.F_UNLCK, _offset(sha256), 1, wait=False)

    @contextmanager
    def unless_held(self, sha256: Sha256) -> Iterator[bool]:
        """Tell whether no process has a lease, this one included, and keep it so meanwhile."""
        descriptor = self._open()
        try:
            yield _has_range_locks(descriptor) and lock_range(
                descriptor, fcntl.F_WRLCK, _offset(sha256), 1, wait=False
            )
        finally:
            os.close(descriptor)

    def _open(self) -> int:
        return self._files.open_file(self._path, OPEN)

    def _open_shared(self) -> int | None:
        """Open the file for leases; None where there can be none.

        In a cache that may only be read its owner can still remove what is being read. Where the
        file system has no such locks, nothing is removed (``unless_held``).
        """
        try:
            descriptor = self._open()
        except OSError as error:
            if error.errno not in READ_ONLY:
                raise
            try:
                descriptor = self._files.open_file(self._path, os.O_RDONLY)
            except (FileNotFoundError, PermissionError):
                return None
        if _has_range_locks(descriptor):
            return descriptor
        os.close(descriptor)
        return None

    def _prepare_fork(self) -> None:
        # What a child inherits is the parent's own lock: either's release would end it for both.
        # So a second one is taken before the fork, with no moment in between that has none.
        self._mutex.acquire()
        if self._descriptor is not None:
            self._childs = os.open(f"/proc/self/fd/{self._descriptor}", os.O_RDONLY | os.O_CLOEXEC)
            for sha256 in self._held:
                lock_range(self._childs, fcntl.F_RDLCK, _offset(sha256), 1, wait=True)

    def _be_parent(self) -> None:
        self._close(self._childs)
        self._childs = None
        self._mutex.release()

    def _be_child(self) -> None:
        self._close(self._descriptor)
        self._descriptor, self._childs = self._childs, None
        self._mutex.release()

    @staticmethod
    def _close(descriptor: int | None) -> None:
        if descriptor is not None:
            os.close(descriptor)


def _has_range_locks(descriptor: int) -> bool:
    try:
        lock_range(descriptor, fcntl.F_UNLCK, 0, 1, wait=False)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return False
    return True


def _offset(sha256: Sha256) -> int:
    return int(sha256[:15], 16)
