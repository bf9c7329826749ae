"""``pe-dvc cache``: the local cache as this machine has set it up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError
from pe_dvc.project.directories import cache_dir, cache_limit
from pe_dvc.store import eviction
from pe_dvc.store.cache import Cache

if TYPE_CHECKING:
    from pe_dvc.store.eviction import CacheEntry


def open_cache() -> Cache:
    """Return the cache, with its limit. Raises FormatError for a limit that is no size."""
    return Cache(cache_dir(), limit=cache_limit())


def prune(max_size: int | None = None) -> list[CacheEntry]:
    """Remove the artifacts used least recently until the rest fits into ``max_size`` bytes.

    Raises FormatError without a size, if ``PE_DVC_CACHE_LIMIT`` is not set either.
    """
    cache = open_cache()
    limit = cache.limit if max_size is None else max_size
    if limit is None:
        raise FormatError(
            "no size was given for the cache",
            remedy="Say --max-size, or set PE_DVC_CACHE_LIMIT.",
        )
    return eviction.prune(cache, limit)
