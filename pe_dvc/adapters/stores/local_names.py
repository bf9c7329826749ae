"""How a file in a directory store becomes an object: its stamp, its permissions, its name."""

from __future__ import annotations

import os
import stat
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.primitives.errors import ConflictError
from pe_dvc.store.checks import PRIVATE_PART, check_key
from pe_dvc.store.confined import remove_if_empty
from pe_dvc.store.confined_folders import NoDirectoryError
from pe_dvc.store.plain_files import refuse_special

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.store.confined import ConfinedTree

INCOMING = f"{PRIVATE_PART}/incoming"
"""Where files are written that have no name yet."""


class Place(NamedTuple):
    """Where an object's file goes: a folder's descriptor, the name there, whether it is taken."""

    folder: int
    name: str
    is_taken: bool


def stamp(file: int) -> None:
    """Give a file, by its descriptor, a time of writing that no other one has."""
    # The kernel's own stamps tick every few milliseconds, and inodes are used again: only a
    # stamp of the nanosecond clock gives two quick writes two etags.
    now = time.time_ns()
    os.utime(file, ns=(now, now))


def protect(file: int) -> None:
    """Make a payload read-only, by its descriptor.

    DVC takes a writable object of a directory remote for one that may have changed: it hashes it
    at each pull, and removes it from the store if it did.
    """
    os.fchmod(file, 0o444)


@contextmanager
def place_of(tree: ConfinedTree, url: str, key: str) -> Iterator[Place]:
    """Give the place of an object, in a folder that is made where there is none.

    Raises ConflictError where a directory has that name, or a file that of the folder.
    """
    try:
        with tree.parent(check_key(key), make=True) as (folder, name):
            mode = mode_of(folder, name)
            if stat.S_ISDIR(mode) and not remove_if_empty(folder, name):
                raise not_written(url, key, "there is a directory of that name")
            yield Place(folder, name, bool(mode) and not stat.S_ISDIR(mode))
    except NoDirectoryError:
        raise
    except NotADirectoryError:
        raise not_written(url, key, "a part of its path is a file") from None


def replace(temporary: str, incoming: int, place: Place, *, named: str) -> None:
    """Give a file its name, whatever file had it. Raises FormatError for a pipe or a device."""
    if place.is_taken:
        refuse_special(place.name, folder=place.folder, named=named)
    os.replace(temporary, place.name, src_dir_fd=incoming, dst_dir_fd=place.folder)


def mode_of(folder: int, name: str) -> int:
    """Return the kind and the permissions of what has a name; 0 where nothing has it."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return 0


def not_written(url: str, key: str, why: str) -> ConflictError:
    """Return the error of an object whose name another thing has."""
    return ConflictError(f"{key} in {url} was not written: {why}")
