"""The objects of a store on plain files: what is known of one, and all below a folder."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pe_dvc.store.checks import PRIVATE_PART
from pe_dvc.store.confined_folders import NoDirectoryError
from pe_dvc.store.port import ObjectInfo

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from pe_dvc.store.confined import ConfinedTree


def object_info(key: str, status: os.stat_result) -> ObjectInfo:
    """Return what is known of the object that is a file."""
    etag = f"{status.st_mtime_ns:x}-{status.st_size:x}-{status.st_ino:x}"
    modified = datetime.fromtimestamp(status.st_mtime, UTC)
    return ObjectInfo(key=key, size=status.st_size, etag=etag, modified=modified)


def objects_below(tree: ConfinedTree, folder: str) -> Iterator[ObjectInfo]:
    """Yield the objects in a folder and below, in the order of their keys.

    Raises FormatError for a folder that is a link.
    """
    # Not by recursion: who writes to the directory says how deep it is.
    waiting = [_entries(tree, folder)]
    while waiting:
        key, found = next(waiting[-1], ("", None))
        if found is None:
            waiting.pop()
        elif _is_folder(found):
            waiting.append(_entries(tree, key))
        elif stat.S_ISLNK(found.st_mode) and (tree.root / key).is_dir():
            tree.check([key])
        else:  # what is no file is refused when it is read; passed over, it would be missing
            yield object_info(key, found)


def _entries(tree: ConfinedTree, folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield what is in a folder by its key, in order, without what is not an object."""
    try:
        entries = tree.entries(folder)
    except NoDirectoryError:
        raise
    except NotADirectoryError:
        return
    # The slash counts when keys are compared: "a-b" comes before "a/b", and "a.b" too.
    for name, found in sorted(entries, key=lambda each: each[0] + "/" * _is_folder(each[1])):
        key = f"{folder}/{name}" if folder else name
        # Ours, and what DVC leaves when it is killed while it writes.
        if key != PRIVATE_PART and not (name.startswith(".") and name.endswith(".tmp")):
            yield key, found


def _is_folder(found: os.stat_result) -> bool:
    return stat.S_ISDIR(found.st_mode)
