"""Directories and files of a cache, for one user or for a group.

The cache's directory decides: what is made in it grants the group what its own directory
grants. So ``mkdir cache && chmod g+ws cache`` is all that a group's cache needs, and
one that pe_dvc makes itself is its user's alone: licensed data may lie in it.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_GROUP = stat.S_ISGID | stat.S_IRWXG


def make_folder(path: Path) -> Path:
    """Make a directory where there is none, and its parents, and return it."""
    if path.is_dir():
        return path
    parent = path.parent
    if not parent.is_dir():
        make_folder(parent)
    try:
        path.mkdir()
    except FileExistsError:
        return path  # another process made it meanwhile
    if granted := parent.stat().st_mode & _GROUP:
        path.chmod(stat.S_IMODE(path.stat().st_mode) | granted)
    return path


def shared_mode(folder: Path) -> int:
    """Return the mode of a new file of ours that grants the group what its directory grants."""
    return 0o600 | _granted(folder)


def open_shared(path: Path) -> int:
    """Open a file for reading and writing, made where there is none, and return its descriptor.

    A symbolic link, which another user of the directory may have put there, is not followed:
    that is an OSError.
    """
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        descriptor = os.open(path, flags | os.O_CREAT, 0o666)
    share(descriptor, path.parent)
    return descriptor


def share(descriptor: int, folder: Path) -> None:
    """Grant the group on an open file what it may do in a directory, if the file is ours."""
    granted = _granted(folder)
    found = os.fstat(descriptor)
    if granted & ~found.st_mode and found.st_uid == os.geteuid():
        os.fchmod(descriptor, stat.S_IMODE(found.st_mode) | granted)


def _granted(folder: Path) -> int:
    """Return what the group may do with files in a directory, as bits of their mode."""
    return folder.stat().st_mode & (stat.S_IRGRP | stat.S_IWGRP)
