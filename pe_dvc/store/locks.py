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
        raise _held_too_long(files.root / path, timeout, doing, remedy)
    try:
        yield
    finally:
        # Still locked: the next to get the lock of this file sees that it has lost its name.
        with suppress(FileNotFoundError):
            files.unlink(path)
        os.close(descriptor)


@contextmanager
def exclusive_byte(
    files: ConfinedTree,
    path: str,
    sha256: Sha256,
    *,
    timeout: float,
    doing: str,
    remedy: str,
    on_wait: Callable[[], None] | None = None,
) -> Iterator[None]:
    """Hold a lock for an artifact: one byte of a file that stays, and that all artifacts share.

    As ``exclusive``, where thousands are taken one after the other: before ext4 makes a file, it
    looks at every other that was removed in the last minutes. The time does not begin again when
    the lock changes hands. Where there are no such locks, it is the name of a file after all.
    """
    descriptor = _open_or_make(files, path)
    byte = partial(lock_range, descriptor, start=offset(sha256), length=1, wait=False)
    try:
        if not has_range_locks(descriptor):
            name = f"{path}-{sha256}.lock"
            with exclusive(
                files, name, timeout=timeout, doing=doing, remedy=remedy, on_wait=on_wait
            ):
                yield
            return
        if not _Wait(timeout, on_wait).until(lambda: byte(fcntl.F_WRLCK)):
            raise _held_too_long(files.root / path, timeout, doing, remedy)
        try:
            yield
        finally:
            byte(fcntl.F_UNLCK)  # or a child that was forked meanwhile would keep it
    finally:
        os.close(descriptor)


class _Wait:
    """One who waits for a lock, for ``timeout`` seconds, and says so once."""

    def __init__(self, timeout: float, on_wait: Callable[[], None] | None) -> None:
        self._timeout, self._on_wait = timeout, on_wait
        self.begin_again()

    def begin_again(self) -> None:
        self.deadline = time.monotonic() + self._timeout

    def until(self, lock: Callable[[], bool]) -> bool:
        """Try ``lock`` until it succeeds; False once the time has passed."""
        while not lock():
            if self._on_wait is not None:
                self._on_wait()
                self._on_wait = None
            if time.monotonic() > self.deadline:
                return False
            with away():
                time.sleep(_PAUSE)
        return True


def _held_too_long(file: Path, timeout: float, doing: str, remedy: str) -> StoreUnavailableError:
    return StoreUnavailableError(
        f"another process has been {doing} for over {timeout:g} seconds, and holds {file}",
        operation="lock",
        key=str(file),
        remedy=remedy,
    )


def _open_or_make(files: ConfinedTree, path: str) -> int:
    try:
        return files.open_file(path, os.O_RDWR)
    except FileNotFoundError:
        return files.open_file(path, OPEN)


def _acquire(
    files: ConfinedTree, path: str, timeout: float, on_wait: Callable[[], None] | None
) -> int | None:
    wait = _Wait(timeout, on_wait)
    without_folder = wait.deadline
    while True:
        try:
            descriptor = files.open_file(path, OPEN)
        except FileNotFoundError:  # its folder went, being empty, with the lock before
            if time.monotonic() > without_folder:
                raise
            continue
        try:
            if not wait.until(partial(_try_lock, descriptor)):
                os.close(descriptor)
                return None
            if _is_named(descriptor, files, path):
                return descriptor
            wait.begin_again()  # who held it has ended: another has it now
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


def has_range_locks(descriptor: int) -> bool:
    """Tell whether the file system and sandbox of an open file know locks on bytes."""
    try:
        lock_range(descriptor, fcntl.F_UNLCK, 0, 1, wait=False)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return False
    return True


def offset(sha256: Sha256) -> int:
    """Return the byte that stands for an artifact in a file of locks."""
    return int(sha256[:15], 16)
