"""The directory of the local cache: its layout, its permissions, and what is being read from it.

A file under its final name is whole, verified and read-only: it arrives there by one rename.
Layout below the cache's directory::

    artifacts/4e/4e92….parquet     payloads; the suffix is the manifest's, for libraries that look
    artifacts/4e/4e92….verified    which file verified, and during which boot; its mtime: last used
    partial/4e92….data             what ranged reads and broken downloads have brought so far
    manifests/4e/4e92….json        manifests, by the sha256 of their own bytes
    chunks/4e/4e92….chunks         chunk lists, by the sha256 of their own bytes
    locks/4e92….lock, locks/leases one download of an artifact at a time; what is being read
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from pe_dvc.primitives.digest import Sha256
from pe_dvc.store.atomic_write import replace_file
from pe_dvc.store.disk import writing_to
from pe_dvc.store.locks import Leases, leases_of
from pe_dvc.store.permissions import make_folder, shared_mode

if TYPE_CHECKING:
    from typing_extensions import Buffer


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
    """The files of a cache. ``limit`` is what they may take in bytes, None for no limit."""

    def __init__(self, directory: Path, *, limit: int | None = None) -> None:
        self.directory, self.limit, self.room = directory, limit, Room()

    @cached_property
    def leases(self) -> Leases:
        """What this process is reading; hold a lease before you look for an artifact."""
        return leases_of(self.folder("locks") / "leases")

    def folder(self, name: str) -> Path:
        """Return a directory of the cache, made where there is none."""
        folder = Path(f"{self.directory}/{name}")
        if folder.is_dir():
            return folder
        if not self.directory.is_dir():
            make_folder(self.directory.parent)
            self.directory.mkdir(mode=0o700, exist_ok=True)
        return make_folder(folder)

    def write(self, path: Path, data: Buffer, *, mode: int | None = None) -> None:
        """Write a file of the cache by a rename, without waiting for the disk: readers check it.

        It grants the group what its directory does, unless ``mode`` is given.
        """
        with writing_to(path):
            try:
                self._replace(path, data, mode)
            except FileNotFoundError:
                self.folder(str(path.parent.relative_to(self.directory)))
                self._replace(path, data, mode)

    @staticmethod
    def _replace(path: Path, data: Buffer, mode: int | None) -> None:
        replace_file(path, data, mode=shared_mode(path.parent) if mode is None else mode)


def sha256_file(path: Path) -> Sha256:
    """Return the sha256 of a local file."""
    with path.open("rb", buffering=0) as file:
        return Sha256(hashlib.file_digest(file, "sha256").hexdigest())
