"""New files: made where nothing is yet, to take their final name by one rename."""

from __future__ import annotations

import itertools
import os
import stat
from functools import cache
from io import FileIO
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from pe_dvc.store.permissions import mode_of_new, set_mode
from pe_dvc.store.process_identity import ProcessIdentity

if TYPE_CHECKING:
    from pathlib import Path

    from _typeshed import StrPath
    from typing_extensions import Buffer


class OpenFile(NamedTuple):
    """A file that is open to be written, whatever its name comes to mean.

    ``path`` is what messages call it.
    """

    path: Path
    descriptor: int

    def __str__(self) -> str:
        return str(self.path)

    def reader(self) -> FileIO:
        """Return what was written, from its start."""
        file = FileIO(os.dup(self.descriptor))
        file.seek(0)
        return file


def write_new(
    path: StrPath,
    data: Buffer,
    *,
    mode: int | None = None,
    durable: bool = False,
    folder: int | None = None,
) -> os.stat_result:
    """Write ``data`` to a file that is not there yet, in as few system calls as it takes.

    Returns what the file is then: its inode, size and mtime.
    ``mode`` is the file's, as of any new file by the umask unless given. ``durable`` puts the
    bytes on disk, so that after a power cut the file is not half-written; it takes some
    milliseconds. ``folder`` is the descriptor of the directory that ``path`` is relative to, where
    it is not an absolute path. Raises FileExistsError, and FileNotFoundError where its directory
    is missing.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(path, flags, mode_of_new(mode), dir_fd=folder)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        found = set_mode(descriptor, mode)
        if durable:
            os.fsync(descriptor)
        return found
    except OSError as error:
        error.filename = error.filename or os.fspath(path)  # what a descriptor does not say
        raise
    finally:
        os.close(descriptor)


def open_new(path: StrPath, *, folder: int | None = None, mode: int = 0o666) -> BinaryIO:
    """Open a file that is not there yet to write it; ``folder`` as in ``write_new``."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, mode, dir_fd=folder), "w+b")


def open_to_fill(target: Path | OpenFile, size: int) -> BinaryIO:
    """Open a file to be written from start to end, made where there is none, ``size`` bytes long.

    What it held is not cut off first. ext4 takes that for a file being replaced in place, and
    writes all of it to the disk when it is closed: 0.13 s for 256 MiB.
    """
    if isinstance(target, OpenFile):
        descriptor = os.dup(target.descriptor)
    else:
        descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    file = os.fdopen(descriptor, "r+b")
    try:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):  # a device has no length to set
            file.truncate(size)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


_RANDOM, _NUMBERS = os.urandom(8).hex(), itertools.count()


def unique() -> str:
    """Return a part of a file name that is used nowhere else, and that tells which process it is.

    See ``pe_dvc.store.left_overs``, which reads it.
    """
    # A forked child goes on with its parent's numbers, under a process id of its own.
    return f"{_process(os.getpid())}-{_RANDOM}{next(_NUMBERS):x}"


@cache
def _process(_: int) -> str:
    own = ProcessIdentity.own()
    return f"{own.place}-{own.pid:x}-{own.start:x}"
