"""Opens files and nothing else: no pipe, which would wait without end, no device, no link.

Where others can write, any name may be any kind of thing by the time that it is opened. So it is
opened without waiting, and looked at once it is open.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from io import FileIO
from typing import TYPE_CHECKING

from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from _typeshed import StrPath

DOCUMENT_LIMIT = 64 * 1024 * 1024
"""Bytes beyond which no document is read, unless its reader says otherwise."""

_BLOCK = 1024 * 1024
_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_plain(
    path: StrPath,
    flags: int,
    *,
    folder: int | None = None,
    mode: int = 0o666,
    named: str | None = None,
) -> int:
    """Open a file and return its descriptor; ``flags`` and ``mode`` as in ``os.open``.

    ``folder`` is the descriptor of the directory that ``path`` is relative to, ``named`` what
    messages call it. Raises FormatError for anything but a file, and OSError.
    """
    try:
        descriptor = os.open(path, flags | _FLAGS, mode, dir_fd=folder)
    except OSError:
        refuse_special(path, folder=folder, named=named)  # a socket cannot be opened at all
        raise
    try:
        _check_plain(os.fstat(descriptor).st_mode, named or path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def open_to_read(path: StrPath) -> FileIO:
    """Open a file to read it, without a buffer. A link to a file is one; raises as open_plain."""
    return FileIO(open_plain(path, os.O_RDONLY))


def sha256_of(path: StrPath) -> Sha256:
    """Return the sha256 of what is in a file. Raises as ``open_plain``."""
    with open_to_read(path) as file:
        return Sha256(hashlib.file_digest(file, "sha256").hexdigest())


def read_plain(path: StrPath) -> bytes:
    """Return what is in a file. Raises as ``open_plain``."""
    with open_to_read(path) as file:
        return file.read()


def read_document(path: StrPath, *, limit: int = DOCUMENT_LIMIT) -> bytes:
    """Return the bytes of a document. Raises as ``open_plain``.

    A file of more than ``limit`` bytes is a FormatError, too.
    """
    with open_to_read(path) as file:
        return read_limited(file, limit, named=path)


def read_limited(file: FileIO, limit: int, *, named: StrPath) -> bytes:
    """Return what is in an open file. Raises FormatError for more than ``limit`` bytes."""
    size = os.fstat(file.fileno()).st_size
    data = file.read(min(size, limit) + 1 if size else _BLOCK)
    # A read may fall short; and files of the kernel tell no size, and some never end.
    while len(data) <= limit and (block := file.read(_BLOCK)):
        data += block
    if len(data) > limit:
        raise FormatError(
            f"has more than the {limit} bytes that are read of such a file", where=os.fspath(named)
        )
    return data


def refuse_special(path: StrPath, *, folder: int | None = None, named: str | None = None) -> None:
    """Raise FormatError if a pipe, a socket or a device is there, which no file may replace.

    Of a link what it leads to counts: ``/dev/stdout`` is one.
    """
    try:
        mode = os.stat(path, dir_fd=folder).st_mode
    except OSError:
        return
    if not stat.S_ISDIR(mode):
        _check_plain(mode, named or path)


def _check_plain(mode: int, path: StrPath) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not stat.S_ISREG(mode):
        raise FormatError(
            f"is {_KINDS.get(stat.S_IFMT(mode), 'not a file')}, and a file was expected",
            where=os.fspath(path),
            remedy="Name another place."
            if stat.S_ISCHR(mode) or stat.S_ISBLK(mode)
            else "Remove it if it does not belong there, or name another place.",
        )
