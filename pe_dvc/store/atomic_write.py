"""Files that appear whole or not at all."""

from __future__ import annotations

import itertools
import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pe_dvc.primitives.interruption import undone_on_exit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import StrPath
    from typing_extensions import Buffer


def write_atomically(
    path: Path, data: bytes, *, mode: int | None = None, durable: bool = True
) -> None:
    """Write ``data`` to ``path``, making its directory: readers see the old file or the new one.

    ``mode`` is the file's, as of any new file by the umask unless given. ``durable`` puts the
    bytes on disk before the name, so that a power cut leaves no half-written file either; it
    takes some milliseconds.
    """
    try:
        replace_file(path, data, mode=mode, durable=durable)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data, mode=mode, durable=durable)


def replace_file(
    path: Path, data: Buffer, *, mode: int | None = None, durable: bool = False
) -> None:
    """Write ``data`` to ``path`` as ``write_atomically`` does, in a directory that exists.

    Raises FileNotFoundError where it does not.
    """
    temporary = f"{path.parent}/.{path.name[:32]}.{unique()}"
    with atomic_rename(path, temporary):
        write_new(temporary, data, mode=mode, durable=durable)


@contextmanager
def atomic_rename(path: StrPath, temporary: StrPath) -> Iterator[None]:
    """Make the file ``temporary`` within: it becomes ``path`` by one rename at the end.

    After an exception nothing is left of it.
    """
    try:
        with undone_on_exit(lambda: Path(temporary).unlink(missing_ok=True)):
            yield
        os.replace(temporary, path)  # noqa: PTH105 (a Path costs more than the call)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_new(
    path: StrPath,
    data: Buffer,
    *,
    mode: int | None = None,
    durable: bool = False,
    folder: int | None = None,
) -> None:
    """Write ``data`` to a file that is not there yet, in as few system calls as it takes.

    ``mode`` and ``durable`` as in ``write_atomically``; ``folder`` is the descriptor of the
    directory that ``path`` is relative to, where it is not an absolute path. Raises
    FileExistsError, and FileNotFoundError where its directory is missing.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    descriptor = os.open(path, flags, 0o666 if mode is None else 0o600, dir_fd=folder)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        if mode is not None:
            os.fchmod(descriptor, mode)
        if durable:
            os.fsync(descriptor)
    except OSError as error:
        error.filename = error.filename or os.fspath(path)  # what a descriptor does not say
        raise
    finally:
        os.close(descriptor)


def open_new(path: StrPath, *, folder: int | None = None) -> BinaryIO:
    """Open a file that is not there yet to write it; ``folder`` as in ``write_new``."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o666, dir_fd=folder), "wb")


def open_to_fill(path: Path, size: int) -> BinaryIO:
    """Open a file to be written from start to end, made where there is none, ``size`` bytes long.

    What it held is not cut off first. ext4 takes that for a file being replaced in place, and
    writes all of it to the disk when it is closed: 0.13 s for 256 MiB.
    """
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), "r+b")
    try:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):  # a device has no length to set
            file.truncate(size)
    except BaseException:
        file.close()
        raise
    return file


_PROCESS, _NUMBERS = os.urandom(12).hex(), itertools.count()


def unique() -> str:
    """Return a part of a file name that is used nowhere else."""
    # A forked child goes on with its parent's numbers, under a process id of its own.
    return f"{_PROCESS}-{os.getpid():x}-{next(_NUMBERS):x}"
