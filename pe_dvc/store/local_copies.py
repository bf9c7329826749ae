"""Bytes that are on this machine already, given another name without copying if possible."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.store.atomic_write import atomic_rename, open_new, unique
from pe_dvc.store.disk import writing_to

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from _typeshed import StrPath

_FICLONE = 0x40049409
"""Linux's ioctl for a file that shares another's blocks until either is written to (btrfs, xfs)."""


@dataclass(frozen=True, kw_only=True)
class LocalCopy:
    """A file that may hold an artifact's bytes.

    ``immutable``: its owner never writes to it in place, as DVC never does to its cache, so that
    another name for the very same file is safe. A file of a workspace is not.
    """

    path: Path
    immutable: bool

    def size(self) -> int | None:
        """Return its size in bytes, None if there is no such file."""
        try:
            return self.path.stat().st_size
        except OSError:
            return None


def copy_or_link(source: LocalCopy, target: Path) -> None:
    """Make ``target``, which must not exist, of the bytes of ``source``.

    By reflink; else by hard link, if ``source`` is immutable and no user may write
    to it; else by copy. Nothing is verified.
    """
    if try_link(reflink, source.path, target):
        return
    if source.immutable and _is_read_only(source.path) and try_link(_hardlink, source.path, target):
        return
    shutil.copyfile(source.path, target)


def copy_out(cached: Path, output: Path) -> Path:
    """Copy a cached artifact to where a user wants it; it appears there by one rename.

    A copy, not a link: what a user does to it must not reach the cache.
    """
    output = output.absolute()
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = output.with_name(f".{output.name[:32]}.{unique()}")
    with writing_to(output), atomic_rename(output, temporary):
        if not try_link(reflink, cached, temporary):
            shutil.copyfile(cached, temporary)
    return output


def reflink(source: StrPath, target: StrPath, *, folder: int | None = None) -> None:
    """Make ``target``, which must not exist, share the blocks of ``source`` until one is changed.

    ``folder`` is the descriptor of the directory that ``target`` is relative to, if it is. Raises
    OSError, and leaves nothing, where the file system cannot or the two are on different ones.
    """
    with open(source, "rb") as old, open_new(target, folder=folder) as new:  # noqa: PTH123
        try:
            fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())
        except OSError:
            os.unlink(target, dir_fd=folder)
            raise


def _hardlink(source: Path, target: Path) -> None:
    os.link(source.resolve(), target)  # DVC may put a symbolic link into a workspace


def _is_read_only(path: Path) -> bool:
    return not path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)


def try_link(link: Callable[[Path, Path], None], source: Path, target: Path) -> bool:
    """Make ``target`` by a kind of link; tell whether the file system can."""
    try:
        link(source, target)
    except OSError:
        return False
    return True
