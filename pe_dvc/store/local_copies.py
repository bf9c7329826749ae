"""Bytes that are on this machine already, brought to another name without copying if possible."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_FICLONE = 0x40049409
"""Linux's request to share a file's blocks, copied when either side is written (btrfs, xfs)."""


@dataclass(frozen=True, kw_only=True)
class Nearby:
    """A file that may hold an artifact's bytes.

    ``immutable``: its owner never writes to it in place, as DVC never does to its cache, so that
    another name for the very same file is safe. A file of somebody's workspace is not.
    """

    path: Path
    immutable: bool

    def size(self) -> int | None:
        """Return its size in bytes, None if there is no such file."""
        try:
            return self.path.stat().st_size
        except OSError:
            return None


def bring(source: Nearby, target: Path) -> None:
    """Make ``target``, which must not exist, of the bytes of ``source``.

    By reflink; else by hard link, if ``source`` is immutable and nobody has the right to write
    to it; else by copy. Nothing is verified.
    """
    if reflink(source.path, target):
        return
    if source.immutable and _hardlink(source.path, target):
        return
    shutil.copyfile(source.path, target)


def reflink(source: Path, target: Path) -> bool:
    """Make ``target``, which must not exist, share the blocks of ``source`` until one is changed.

    Return False, and leave nothing, where the file system cannot.
    """
    with source.open("rb") as old, target.open("xb") as new:
        try:
            fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())
        except OSError:
            target.unlink()  # another file system, or one that cannot share blocks
            return False
    return True


def _hardlink(source: Path, target: Path) -> bool:
    found = source.stat()  # of the file behind a symbolic link, as DVC may put into a workspace
    if found.st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        return False
    try:
        os.link(source.resolve(), target)
    except OSError:
        return False  # another file system, or a file of another user's
    return True
