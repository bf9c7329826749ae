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
from pe_dvc.primitives.turns import away
from pe_dvc.store.confined import OPEN_OR_MAKE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.confined import ConfinedTree

_NO_LOCKS = frozenset([errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
"""What the operating system says of a lock that a file system or sandbox does not have."""
_PAUSE = 0.02
"""Seconds between two tries at a lock that is held elsewhere."""
_UNSAID = 1.0
"""Seconds to wait before it is said: of a thousand small files many are waited for, and briefly."""


class Wait:
    """One wait for a lock, of at most ``timeout`` seconds for each who holds it.

    ``on_wait`` is called once the lock was held elsewhere for a second. ``doing`` is what the other
    does then, and ``remedy`` what to do about it, for the error.
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

    def until(self, lock: Callable[[], bool], file: Path) -> None:
        """Try ``lock``, of ``file``, until it succeeds. Raises StoreUnavailableError."""
        began = time.monotonic()
        while not lock():
            waited = time.monotonic() - began
            if self._on_wait is not None and waited > _UNSAID:
                self._on_wait()
                self._on_wait = None
            if waited > self.timeout:
                raise StoreUnavailableError(
                    f"another process has been {self._doing} for over {self.timeout:g} seconds, "
                    f"and holds {file}",
                    operation="lock",
                    key=str(file),
                    remedy=self._remedy,
                )
            with away():
                time.sleep(_PAUSE)


@contextmanager
def exclusive(files: ConfinedTree, path: str, wait: Wait) -> Iterator[None]:
    """Hold a lock by the name of a file, which exists only while the lock is held or waited for.

    Raises StoreUnavailableError once another has held it for as long as ``wait`` says: of hundreds
    that wait, each gets its turn.
    """
    descriptor = _acquire(files, path, wait)
    try:
        yield
    finally:
        # Still locked: the next to get the lock of this file sees that it has lost its name.
        with suppress(FileNotFoundError):
            files.unlink(path)
        os.close(descriptor)


@contextmanager
def exclusive_byte(files: ConfinedTree, path: str, sha256: Sha256, wait: Wait) -> Iterator[None]:
    """Hold a lock for an artifact: one byte of a file that stays, and that all artifacts share.

    As ``exclusive``, where thousands are taken one after the other: before ext4 makes a file, it
    looks at every other that was removed in the last minutes. The time does not begin again when
    the lock changes hands. Where there are no such locks, it is that of ``lock_name`` after all.
    """
    descriptor = open_lasting(files, path)
    byte = partial(lock_range, descriptor, start=offset(sha256), length=1, wait=False)
    try:
        if not has_range_locks(descriptor):
            with exclusive(files, lock_name(sha256, beside=path), wait):
                yield
            return
        wait.until(lambda: byte(fcntl.F_WRLCK), files.root / path)
        try:
            yield
        finally:
            byte(fcntl.F_UNLCK)  # or a child that was forked meanwhile would keep it
    finally:
        os.close(descriptor)


@contextmanager
def courteous_range(descriptor: int, start: int, length: int, *, patience: float) -> Iterator[None]:
    """Hold a range of an open file, so that others wait meanwhile who would do the same work.

    For what does no harm if two do it: who has waited ``patience`` seconds, as for a process that
    was stopped, goes on without. So does all that runs where there are no such locks.
    """
    try_range = partial(lock_range, descriptor, start=start, length=length, wait=False)
    deadline = time.monotonic() + patience
    has_locks = has_range_locks(descriptor)
    while has_locks and not (held := try_range(fcntl.F_WRLCK)) and time.monotonic() < deadline:
        with away():
            time.sleep(_PAUSE)
    try:
        yield
    finally:
        if has_locks and held:
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
        os.close(descriptor)  # who held it has ended: another has it now


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
