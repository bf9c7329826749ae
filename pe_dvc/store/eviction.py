"""What is in the cache, what was altered there, and what may go.

Nothing goes that a process is reading: the lease of an artifact is held while it is removed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.result import Result, json_time
from pe_dvc.store.cache_directory import CacheDirectory, sha256_file
from pe_dvc.store.verification_record import record_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ABANDONED_AFTER = 7 * 24 * 3600.0
"""Seconds without progress after which a broken download is not resumed."""
PARTIALS_CHECK_INTERVAL = 3600.0
"""Seconds between two looks of one cache at its broken downloads: a thousand fetches need one."""
MEASURE_INTERVAL = 60.0
"""Seconds for which a cache is not measured again while there is room: others may take some too."""
_LEFT_OVER_AFTER = 3600.0
"""Seconds after which a temporary file belongs to a writer that was killed."""


@dataclass(frozen=True, kw_only=True)
class CacheEntry(Result):
    """An artifact in the cache, whole or in part.

    ``size`` is what it takes on disk, in bytes; ``used`` when it was last used, in seconds since
    the epoch.
    """

    sha256: Sha256
    path: Path
    state: Literal["whole", "partial"]
    size: int
    used: float

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {**super().to_json(), "used": json_time(datetime.fromtimestamp(self.used, UTC))}


@dataclass(frozen=True, kw_only=True)
class CheckedEntry(CacheEntry):
    """An artifact of the cache that was hashed, and removed if it was ``altered``."""

    altered: bool


def entries(cache: CacheDirectory) -> list[CacheEntry]:
    """Return what is in the cache, least recently used first."""
    found = [*_whole(cache.directory / "artifacts"), *_partial(cache.directory / "partial")]
    return sorted(found, key=lambda entry: entry.used)


def check_entries(cache: CacheDirectory) -> Iterator[CheckedEntry]:
    """Hash every whole artifact; yield each, and remove those that were altered."""
    for entry in entries(cache):
        if entry.state == "whole":
            altered = sha256_file(entry.path) != entry.sha256
            if altered:
                _remove(entry)
            yield CheckedEntry(**vars(entry), altered=altered)


def prune(cache: CacheDirectory, limit: int, *, incoming: int = 0) -> list[CacheEntry]:
    """Remove artifacts, least recently used first, until ``limit`` bytes hold the rest.

    ``incoming`` is the size in bytes of one about to be added. What a process is reading stays,
    even if more than ``limit`` is left then. Returns what was removed.
    """
    return _prune(cache, limit, incoming)[0]


def _prune(cache: CacheDirectory, limit: int, incoming: int) -> tuple[list[CacheEntry], int]:
    """Prune; return what was removed, and how many bytes are taken then, ``incoming`` included."""
    _reclaim_left_overs(cache)
    here, removed = entries(cache), []
    total = sum(entry.size for entry in here) + incoming
    for entry in here:
        if total <= limit:
            break
        if _remove_unless_read(cache, entry):
            removed.append(entry)
            total -= entry.size
    return removed, total


def make_room(cache: CacheDirectory, incoming: int, *, measured: bool = True) -> None:
    """Prune for an artifact of ``incoming`` bytes, if the cache has a limit.

    ``measured`` is False after one came for which no room was made.
    What broken downloads left goes anyway, after ``ABANDONED_AFTER`` seconds without progress.
    """
    if time.monotonic() - cache.room.partials_checked_at > PARTIALS_CHECK_INTERVAL:
        cache.room.partials_checked_at = time.monotonic()
        for entry in _partial(cache.directory / "partial"):
            if time.time() - entry.used > ABANDONED_AFTER:
                _remove_unless_read(cache, entry)
    if cache.limit is None:
        return
    room = cache.room
    with room.lock:
        recent = measured and time.monotonic() - room.measured_at < MEASURE_INTERVAL
        if recent and incoming <= room.free:
            room.free -= incoming
            return
        _, taken = _prune(cache, cache.limit, incoming)
        room.free, room.measured_at = cache.limit - taken, time.monotonic()


def _whole(folder: Path) -> Iterator[CacheEntry]:
    for path in folder.glob("??/*"):
        if path.suffix == ".verified" or path.name.startswith("."):
            continue
        try:
            found, record = path.stat(), record_path(path)
            used = record.stat().st_mtime if record.exists() else found.st_mtime
        except FileNotFoundError:
            continue  # removed meanwhile
        sha256 = Sha256(path.name.split(".")[0])
        yield CacheEntry(sha256=sha256, path=path, state="whole", size=found.st_size, used=used)


def _partial(folder: Path) -> Iterator[CacheEntry]:
    for path in folder.glob("*.*"):
        try:
            found = path.stat()
        except FileNotFoundError:
            continue
        size, sha256 = found.st_blocks * 512, Sha256(path.stem)
        yield CacheEntry(sha256=sha256, path=path, state="partial", size=size, used=found.st_mtime)


def _remove_unless_read(cache: CacheDirectory, entry: CacheEntry) -> bool:
    with cache.leases.unless_held(entry.sha256) as free:
        if free:
            _remove(entry)
    return free


def _remove(entry: CacheEntry) -> None:
    entry.path.unlink(missing_ok=True)
    if entry.state == "whole":
        record_path(entry.path).unlink(missing_ok=True)


def _reclaim_left_overs(cache: CacheDirectory) -> None:
    """Remove the temporary files of small writes that were killed halfway."""
    for path in cache.directory.glob("*/??/.*"):
        try:
            if time.time() - path.stat().st_mtime > _LEFT_OVER_AFTER:
                path.unlink()
        except FileNotFoundError:
            continue  # its writer was only slow
