"""Who may read and write what pe_dvc makes: its user alone, or a group, whatever the umask says.

The cache's directory decides: what is made in it grants the group what its own directory
grants. So ``mkdir cache && chmod g+ws cache`` is all that a group's cache needs, and
one that pe_dvc makes itself is its user's alone: licensed data may lie in it.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from pathlib import Path

_GROUP = stat.S_ISGID | stat.S_IRWXG
_READ_AND_WRITE = stat.S_IRGRP | stat.S_IWGRP


class Modes(NamedTuple):
    """The modes of new folders and files; None leaves them to the umask.

    ``inherited`` are bits of the folder around them that new ones have as well.
    """

    folder: int | None = None
    file: int | None = None
    inherited: int = 0

    def of_folder(self, parent: int) -> int | None:
        """Return the mode of a folder in one whose status is ``parent``, a descriptor."""
        if self.folder is None or not self.inherited:
            return self.folder
        return self.folder | os.fstat(parent).st_mode & self.inherited

    def of_file(self, parent: int) -> int | None:
        """Return the mode of a file in the folder ``parent``, a descriptor."""
        if self.file is None or not self.inherited:
            return self.file
        return self.file | os.fstat(parent).st_mode & self.inherited & _READ_AND_WRITE


def mode_of_new(mode: int | None) -> int:
    """Return what to ask the operating system for, so that ``mode`` can be set afterwards.

    No other user has it in between; None leaves it to the umask.
    """
    return 0o666 if mode is None else 0o600


def set_mode(descriptor: int, mode: int | None) -> os.stat_result:
    """Give an open file a mode, None to leave it as it is; return what the file is before that."""
    found = os.fstat(descriptor)
    if mode is not None and stat.S_IMODE(found.st_mode) != mode:
        os.fchmod(descriptor, mode)
    return found


USUAL = Modes()
"""By the umask: in a clone and in a bucket."""
PRIVATE = Modes(folder=0o700, file=0o600)
"""The user's alone: keys, pinned roots, the state of what was verified."""
CACHE = Modes(folder=0o700, file=0o600, inherited=_GROUP)
"""The user's alone, or the group's where the cache's directory is."""
DVC_GROUP = Modes(folder=0o2775)
"""As DVC's ``cache.shared = group`` has it."""


def check_private(directory: Path) -> None:
    """Raise FormatError if other users may put files into a directory that only ours belong in.

    That is one of another user except root, or one that all users may write to. One that does
    not exist is no error. A group may write: on many systems each user has a group of their own.
    """
    try:
        found = directory.stat()
    except (FileNotFoundError, NotADirectoryError):
        return
    if found.st_uid not in (os.geteuid(), 0):
        raise FormatError(
            f"belongs to another user (uid {found.st_uid}), and what lies in it decides whom you "
            "trust",
            where=str(directory),
            remedy="Name a directory of your own (PE_DVC_CONFIG_DIR, PE_DVC_STATE_DIR, "
            "PE_DVC_KEYS_DIR), or take this one over with chown after a look at what is in it.",
        )
    if found.st_mode & stat.S_IWOTH:
        raise FormatError(
            f"can be written to by every user (mode {stat.S_IMODE(found.st_mode):04o}), and what "
            "lies in it decides whom you trust",
            where=str(directory),
            remedy=f"Look at what is in it, then run chmod go-w {directory}.",
        )
