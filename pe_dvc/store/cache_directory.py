"""The directory of the local cache: its layout, its permissions, and what is being read from it.

A file under its final name is whole, verified and read-only: it arrives there by one rename.
Layout below the cache's directory::

    artifacts/4e/4e92….parquet     payloads; the suffix is the manifest's, for libraries that look
    artifacts/4e/4e92….verified    which file verified, and during which boot; its mtime: last used
    partial/4e92….data             what ranged reads and broken downloads have brought so far
    manifests/4e/4e92….json        manifests, by the sha256 of their own bytes
    chunks/4e/4e92….chunks         chunk lists, by the sha256 of their own bytes
    locks/downloads, locks/leases  one download of a small artifact at a time; what is being read
    locks/4e92….lock               one download of a larger one at a time
"""

from __future__ import annotations

import math
import stat
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.disk import writing_to
from pe_dvc.store.leases import Leases
from pe_dvc.store.left_overs import is_temporary
from pe_dvc.store.permissions import CACHE

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from pathlib import Path

    from typing_extensions import Buffer

LOCKS = "locks"
REMEDY = "Remove it: a cache holds nothing that cannot be fetched again."


@dataclass
class Room:
    """What is known of the space that a cache takes, so as not to measure it at each fetch.

    To measure it at each of a thousand fetches would cost more than they do. Times are in
    seconds by the monotonic clock.
    """

    free: int = 0
    """Bytes of the limit that were left when all of the cache was last measured."""
    measured_at: float = -math.inf
    partials_checked_at: float = -math.inf
    """When abandoned downloads were last looked for."""
    lock: Lock = field(default_factory=Lock)


class CacheDirectory:
    """The files of a cache. ``limit`` is what they may take in bytes, None for no limit.

    Others of a group may write to it, so all is done through ``files``: no link there is followed.
    ``keep_open`` is how many of its folders stay open as long as this lives.
    """

    def __init__(self, directory: Path, *, limit: int | None = None, keep_open: int = 0) -> None:
        self.directory, self.limit, self.room = directory, limit, Room()
        self.files = _files_of(directory, keep_open)

    @property
    def leases(self) -> Leases:
        """What this process is reading; hold a lease before you look for an artifact."""
        return _leases_of(self.directory)

    def write(self, path: str, data: Buffer, *, mode: int | None = None) -> os.stat_result:
        """Write a file of the cache by a rename, without waiting for the disk: readers check it.

        It grants the group what its directory does, unless ``mode`` is given.
        """
        with writing_to(f"{self.directory}/{path}"):
            return self.files.write(path, data, mode=mode)


def files_below(
    cache: CacheDirectory, folder: str, suffix: str = ""
) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the path and status of each file in the folders of ``folder``, left overs aside."""
    for shard in shards_of(cache, folder):
        for name, found in cache.files.entries(shard):
            hidden = name.startswith(".") or is_temporary(name)
            if stat.S_ISREG(found.st_mode) and name.endswith(suffix) and not hidden:
                yield f"{shard}/{name}", found


def shards_of(cache: CacheDirectory, folder: str) -> Iterator[str]:
    """Yield the folders in which files are kept; a link among them is refused when it is read."""
    for name, found in cache.files.entries(folder):
        if stat.S_ISDIR(found.st_mode) or stat.S_ISLNK(found.st_mode):
            yield f"{folder}/{name}"


def _files_of(directory: Path, keep_open: int = 0) -> ConfinedTree:
    return ConfinedTree(directory, modes=CACHE, remedy=REMEDY, keep_open=keep_open)


@cache
def _leases_of(directory: Path) -> Leases:
    """Return this process's leases in a cache: one for all who ask."""
    return Leases(_files_of(directory), f"{LOCKS}/leases")
