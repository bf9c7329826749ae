"""Locks between processes, by ``flock`` and by Linux's open file description locks.

Both belong to an open file, not to a process: they hold between threads, pass to forked children,
and end with the last of those that hold the file, however it ends. None outlives a crash.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import time
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import StoreUnavailableError
from pe_dvc.primitives.turns import blocking_wait
from pe_dvc.store.confined import OPEN_OR_MAKE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.confined import ConfinedTree

_NO_LOCKS = frozenset([errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
"""Errors of the operating system for locks that a file system or sandbox does not support."""
_PAUSE = 0.02
"""Seconds between two tries at a lock that another holds."""
_UNREPORTED = 1.0
"""Seconds of waiting before it is reported: for small files many short waits are usual."""


class Wait:
    """A wait for a lock, of at most ``timeout`` seconds for each process that holds it in turn.

    ``on_wait`` is called once, after a second of waiting. For the error, ``doing`` says what the
    other process does, and ``remedy`` what to do about it.
    """

    def __init__(
        self,
        timeout: float,
        *,
        doing: str,
        remedy: str,
        on_wait: Callable[[], None] | None = None,
    ) -> None:
        self.timeout, self._on_wait = timeout, on_wait
        self._doing, self._remedy = doing, remedy

    def until(self, lock: Callable[[], bool], file: Path, byte: int = 0) -> None:
        """Try ``lock``, which covers a byte of ``file``, until it succeeds.

        Raises StoreUnavailableError, which names the process that holds it if that can be told.
        """
        if not _wait_for(lock, self.timeout, self._tell):
            from pe_dvc.store.lock_holders import lock_holders

            holders = " and ".join(lock_holders(file, byte))
            raise StoreUnavailableError(
                f"another process has been {self._doing} for over {self.timeout:g} seconds, "
                f"and holds {file}{holders and f': process {holders}'}",
                operation="lock",
                key=str(file),
                remedy=self._remedy,
            )

    def _tell(self, waited: float) -> None:
        if self._on_wait is not None and waited > _UNREPORTED:
            self._on_wait()
            self._on_wait = None


def _wait_for(
    lock: Callable[[], bool], timeout: float, on_pause: Callable[[float], None] | None = None
) -> bool:
    """Try ``lock`` until it succeeds; return False if it does not within ``timeout`` seconds.

    ``on_pause`` is called between two tries, with the seconds waited so far.
    """
    began = time.monotonic()
    while not lock():
        waited = time.monotonic() - began
        if on_pause is not None:
            on_pause(waited)
        if waited > timeout:
            return False
        with blocking_wait():
            time.sleep(_PAUSE)
    return True


@contextmanager
def exclusive(files: ConfinedTree, path: str, wait: Wait) -> Iterator[None]:
    """Hold a lock on a file that exists only while the lock is held or waited for.

    Raises StoreUnavailableError if one holder keeps it longer than ``wait`` allows. The time starts
    again with each holder, so that of hundreds that wait each gets its turn.
    """
    descriptor = _acquire(files, path, wait)
    try:
        yield
    finally:
        # Removed while still locked: the next to lock this file sees that it has lost its name.
        with suppress(FileNotFoundError):
            files.unlink(path)
        os.close(descriptor)


@contextmanager
def exclusive_byte(files: ConfinedTree, path: str, sha256: Sha256, wait: Wait) -> Iterator[None]:
    """Hold a lock for an artifact: one byte of a permanent file that all artifacts share.

    This is for thousands of locks one after the other. With ``exclusive`` ext4 gets slow: before it
    makes a file, it looks at every other that was removed in the last minutes. The time does not
    start again with each holder. Where there are no locks on bytes, ``exclusive`` is used, on a
    file of the artifact's own (``lock_name``).
    """
    descriptor = open_lasting(files, path)
    byte = partial(lock_range, descriptor, start=offset(sha256), length=1, wait=False)
    try:
        if not has_range_locks(descriptor):
            with exclusive(files, lock_name(sha256, beside=path), wait):
                yield
            return
        wait.until(lambda: byte(fcntl.F_WRLCK), files.root / path, offset(sha256))
        try:
            yield
        finally:
            byte(fcntl.F_UNLCK)  # or a child that was forked meanwhile would keep it
    finally:
        os.close(descriptor)


@contextmanager
def courteous_range(descriptor: int, start: int, length: int, *, patience: float) -> Iterator[None]:
    """Hold a range of an open file, so that others who would do the same work wait meanwhile.

    This is for work that does no harm if two do it. After ``patience`` seconds, as for a process
    that was stopped, the one that waits goes on without the lock; so it does at once where the file
    system has no such locks.
    """
    try_range = partial(lock_range, descriptor, start=start, length=length, wait=False)
    held = has_range_locks(descriptor) and _wait_for(lambda: try_range(fcntl.F_WRLCK), patience)
    try:
        yield
    finally:
        if held:
            try_range(fcntl.F_UNLCK)


def open_lasting(files: ConfinedTree, path: str) -> int:
    """Open the file of locks on bytes, which stays once it was made."""
    try:
        return files.open_file(path, os.O_RDWR)
    except FileNotFoundError:
        return files.open_file(path, OPEN_OR_MAKE)


def _acquire(files: ConfinedTree, path: str, wait: Wait) -> int:
    while True:
        descriptor = _open_file(files, path, wait.timeout)
        try:
            wait.until(partial(_try_lock, descriptor), files.root / path)
            if _is_named(descriptor, files, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # removed by its last holder: try the new file of that name


def _open_file(files: ConfinedTree, path: str, timeout: float) -> int:
    deadline = time.monotonic() + timeout
    while True:
        try:
            return files.open_file(path, OPEN_OR_MAKE)
        except FileNotFoundError:  # its folder went, being empty, with the lock before
            if time.monotonic() > deadline:
                raise


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


def has_range_locks(descriptor: int) -> bool:
    """Tell whether the file system and sandbox of an open file know locks on bytes."""
    try:
        lock_range(descriptor, fcntl.F_UNLCK, 0, 1, wait=False)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return False
    return True


def lock_name(sha256: Sha256, *, beside: str) -> str:
    """Return the path of the file that is an artifact's lock alone, in the folder of another."""
    folder, slash, _ = beside.rpartition("/")
    return f"{folder}{slash}{sha256}.lock"


def offset(sha256: Sha256) -> int:
    """Return the byte that stands for an artifact in a file of locks."""
    return int(sha256[:15], 16)
