"""Leases on cached artifacts: what a process reads is not removed by another meanwhile."""

from __future__ import annotations

import fcntl
import os
import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pe_dvc.store.disk import READ_ONLY
from pe_dvc.store.locks import Wait, has_range_locks, lock_range, offset, open_lasting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.confined import ConfinedTree

REMOVAL_TIMEOUT = 60.0
"""Seconds to wait for another process that is removing the same artifact."""

_REMEDY = "End that process, or set PE_DVC_CACHE_DIR to another directory."


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
        """Take a lease; it ends by as many calls of ``release``, or with the process.

        Waits for a process that is just removing the artifact. Raises StoreUnavailableError if that
        takes longer than ``REMOVAL_TIMEOUT`` seconds.
        """
        wait = Wait(REMOVAL_TIMEOUT, doing=f"removing {sha256} from the cache", remedy=_REMEDY)
        wait.until(lambda: self._try_hold(sha256), self._files.root / self._path, offset(sha256))

    def _try_hold(self, sha256: Sha256) -> bool:
        with self._mutex:
            if self._descriptor is None:
                self._descriptor = self._open_shared()
            if self._descriptor is not None and not lock_range(
                self._descriptor, fcntl.F_RDLCK, offset(sha256), 1, wait=False
            ):
                return False
            self._held[sha256] += 1
            return True

    def release(self, sha256: Sha256) -> None:
        """Give back one ``hold``."""
        with self._mutex:
            self._held[sha256] -= 1
            if self._held[sha256] == 0 and self._descriptor is not None:
                del self._held[sha256]
                lock_range(self._descriptor, fcntl.F_UNLCK, offset(sha256), 1, wait=False)

    @contextmanager
    def unless_held(self, sha256: Sha256) -> Iterator[bool]:
        """Within, tell whether no process has a lease, and keep others from taking one."""
        descriptor = self._open()
        try:
            yield has_range_locks(descriptor) and lock_range(
                descriptor, fcntl.F_WRLCK, offset(sha256), 1, wait=False
            )
        finally:
            os.close(descriptor)

    def _open(self) -> int:
        return open_lasting(self._files, self._path)

    def _open_shared(self) -> int | None:
        """Open the file for leases; None where leases are not possible.

        That is so in a cache that is read-only for this user: its owner can still remove what is
        being read. Where the file system has no locks on bytes, nothing is ever removed
        (``unless_held``).
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
        if has_range_locks(descriptor):
            return descriptor
        os.close(descriptor)
        return None

    def _prepare_fork(self) -> None:
        # A child inherits the parent's locks themselves: a release in either would end them for
        # both. So a second set is taken before the fork, and there is no moment without a lock.
        self._mutex.acquire()
        if self._descriptor is not None:
            self._childs = os.open(f"/proc/self/fd/{self._descriptor}", os.O_RDONLY | os.O_CLOEXEC)
            for sha256 in self._held:
                lock_range(self._childs, fcntl.F_RDLCK, offset(sha256), 1, wait=True)

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
