"""Bytes that are on this machine already, given another name without copying if possible."""

from __future__ import annotations

import fcntl
import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.primitives.errors import FormatError
from pe_dvc.store.atomic_write import open_new
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.disk import writing_to
from pe_dvc.store.plain_files import open_plain, open_to_read, refuse_special

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from _typeshed import StrPath

_BLOCK = 1024 * 1024
"""Bytes that a copy reads at once."""
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_FICLONE = 0x40049409
"""Linux's ioctl for a file that shares another's blocks until either is written to (btrfs, xfs)."""


class LocalCopy(NamedTuple):
    """A file that may hold an artifact's bytes.

    ``immutable``: its owner never writes to it in place, as DVC never does to its cache, so that
    another name for the very same file is safe. A file of a workspace is not.
    """

    path: Path
    immutable: bool

    def size(self) -> int | None:
        """Return its size in bytes, None if there is no such file."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None


def copy_or_link(source: LocalCopy, target: str, folder: int) -> os.stat_result:
    """Make ``target``, which must not exist, of the bytes of ``source``; return its status.

    ``folder`` is the descriptor of the directory that ``target`` is relative to. By reflink; else
    by hard link, if ``source`` is immutable and no user may write to it; else by copy. The file is
    read-only. Nothing is verified.
    """
    if not try_link(reflink, source.path, target, folder):
        is_safe = source.immutable and _is_read_only(source.path) and not _is_root()
        if not (is_safe and try_link(_hardlink, source.path, target, folder)):
            copy_bytes(source.path, target, folder=folder)
    descriptor = open_plain(target, os.O_RDONLY, folder=folder)
    try:
        if os.fstat(descriptor).st_mode & _WRITABLE:
            os.fchmod(descriptor, 0o444)
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)


def copy_out(cached: Path, output: Path) -> Path:
    """Copy a cached artifact to where a user wants it; it appears there by one rename.

    A copy, not a link: what a user does to it must not reach the cache. A symbolic link at
    ``output`` is replaced, as ``mv`` does. Raises FormatError for a pipe, socket or device there.
    """
    output = output.absolute()
    parent = ConfinedTree(output.parent)
    with writing_to(output), parent.replacing(output.name) as (folder, new):
        if not try_link(reflink, cached, new, folder):
            copy_bytes(cached, new, folder=folder)
    return output


def check_output(output: Path) -> None:
    """Raise FormatError if no file can be put at ``output``: what is there is none."""
    refuse_special(output)
    if output.is_dir():
        raise FormatError(
            "is a directory, and a file was to be put there",
            where=str(output),
            remedy="Move it away, or name another place.",
        )


def copy_bytes(source: StrPath, target: StrPath, *, folder: int | None = None) -> None:
    """Copy a file into ``target``, which must not exist. Its mode is a new file's, by the umask."""
    with open_to_read(source) as old, open_new(target, folder=folder) as new:
        import shutil

        shutil.copyfileobj(old, new, _BLOCK)


def reflink(source: StrPath, target: StrPath, *, folder: int | None = None) -> None:
    """Make ``target``, which must not exist, share the blocks of ``source`` until one is changed.

    ``folder`` is the descriptor of the directory that ``target`` is relative to, if it is. Raises
    OSError, and leaves nothing, where the file system cannot or the two are on different ones.
    """
    with open_to_read(source) as old, open_new(target, folder=folder) as new:
        try:
            fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())
        except OSError:
            os.unlink(target, dir_fd=folder)
            raise


def _hardlink(source: Path, target: str, *, folder: int) -> None:
    # DVC may put a symbolic link into a workspace.
    os.link(source.resolve(), target, dst_dir_fd=folder)


def _is_read_only(path: Path) -> bool:
    return not path.stat().st_mode & _WRITABLE


def _is_root() -> bool:
    """Tell whether this user may write to files that are read-only, as HDF5 libraries then do."""
    return os.geteuid() == 0


def try_link(link: Callable[..., None], source: Path, target: str, folder: int) -> bool:
    """Make ``target`` in ``folder``, by a kind of link; tell whether the file system can."""
    try:
        link(source, target, folder=folder)
    except OSError:
        return False
    return True
