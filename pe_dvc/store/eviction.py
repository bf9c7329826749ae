"""What is in the cache, what was altered there, and what may go.

Nothing goes that a process is reading: the lease of an artifact is held while it is removed.
"""

from __future__ import annotations

import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.result import Result, json_time
from pe_dvc.store.cache_directory import files_below, shards_of
from pe_dvc.store.left_overs import is_temporary
from pe_dvc.store.verification_record import record_path

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from pe_dvc.store.cache_directory import CacheDirectory

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
    found = [*_whole(cache), *_partial(cache)]
    return sorted(found, key=lambda entry: entry.used)


def check_entries(cache: CacheDirectory) -> Iterator[CheckedEntry]:
    """Hash every whole artifact; yield each, and remove those that were altered."""
    for entry in entries(cache):
        if entry.state == "whole":
            altered = cache.files.sha256(_name(cache, entry)) != entry.sha256
            if altered:
                _remove(cache, entry)
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


def remove_artifacts(
    cache: CacheDirectory, digests: Collection[str]
) -> tuple[list[CacheEntry], list[CacheEntry]]:
    """Remove these artifacts, whole or in part; return what went, and what a process is reading."""
    removed: list[CacheEntry] = []
    held: list[CacheEntry] = []
    for entry in entries(cache):
        if entry.sha256 in digests:
            (removed if _remove_unless_read(cache, entry) else held).append(entry)
    return removed, held


def make_room(cache: CacheDirectory, incoming: int, *, measured: bool = True) -> None:
    """Prune for an artifact of ``incoming`` bytes, if the cache has a limit.

    ``measured`` is False after one came for which no room was made.
    What broken downloads left goes anyway, after ``ABANDONED_AFTER`` seconds without progress.
    """
    if time.monotonic() - cache.room.partials_checked_at > PARTIALS_CHECK_INTERVAL:
        cache.room.partials_checked_at = time.monotonic()
        for entry in _partial(cache):
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


def _whole(cache: CacheDirectory) -> Iterator[CacheEntry]:
    found = dict(files_below(cache, "artifacts"))
    for name, status in found.items():
        if not name.endswith(".verified"):
            used = found.get(record_path(name), status).st_mtime
            sha256, path = Sha256(name.split("/")[-1].split(".")[0]), cache.directory / name
            size = status.st_size
            yield CacheEntry(sha256=sha256, path=path, state="whole", size=size, used=used)


def _partial(cache: CacheDirectory) -> Iterator[CacheEntry]:
    for name, found in cache.files.entries("partial"):
        if stat.S_ISREG(found.st_mode) and not is_temporary(name):
            path, size, used = (
                cache.directory / "partial" / name,
                found.st_blocks * 512,
                found.st_mtime,
            )
            yield CacheEntry(
                sha256=Sha256(path.stem), path=path, state="partial", size=size, used=used
            )


def _name(cache: CacheDirectory, entry: CacheEntry) -> str:
    return entry.path.relative_to(cache.directory).as_posix()


def _remove_unless_read(cache: CacheDirectory, entry: CacheEntry) -> bool:
    with cache.leases.unless_held(entry.sha256) as free:
        if free:
            _remove(cache, entry)
    return free


def _remove(cache: CacheDirectory, entry: CacheEntry) -> None:
    name = _name(cache, entry)
    for each in (name, record_path(name)) if entry.state == "whole" else (name,):
        with suppress(FileNotFoundError):
            cache.files.unlink(each)


def _reclaim_left_overs(cache: CacheDirectory) -> None:
    """Remove the temporary files that killed processes left, those of an older pe_dvc too."""
    shards = [
        s for folder in ("artifacts", "manifests", "chunks") for s in shards_of(cache, folder)
    ]
    for shard in shards:
        cache.files.sweep(shard)
        for name, found in cache.files.entries(shard):
            old = time.time() - found.st_mtime > _LEFT_OVER_AFTER
            if name.startswith(".") and stat.S_ISREG(found.st_mode) and old:
                with suppress(FileNotFoundError):
                    cache.files.unlink(f"{shard}/{name}")
