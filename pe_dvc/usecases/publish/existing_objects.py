"""Which objects a store holds already, found in as few round trips as may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.store.port import head_if_there
from pe_dvc.usecases.parallel import run_all

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from concurrent.futures import Executor

    from pe_dvc.store.port import ObjectInfo, Store

HEAD_REQUESTS_MAX = 64
"""Up to so many objects each is asked for by itself; more are listed."""
LISTED_PER_KEY_MAX = 4
"""Objects that are listed at most for each one that is looked for."""
PAGE = 1_000
"""Objects that one request lists."""
LISTED_AT_ONCE_MIN = 8_000
"""From so many objects on their folders are listed side by side. Hashes name 256 of them: fewer
objects are fewer pages than that."""


def find_objects(
    store: Store, prefix: str, keys: AbstractSet[str], pool: Executor
) -> dict[str, ObjectInfo]:
    """Return what the store holds of ``keys``, all of which lie below ``prefix``."""
    found, unknown = list_objects(store, prefix, keys, pool)
    asked = run_all(pool, lambda key: head_if_there(store, key), sorted(unknown))
    return found | {info.key: info for info in asked if info is not None}


def list_objects(
    store: Store, prefix: str, keys: AbstractSet[str], pool: Executor
) -> tuple[dict[str, ObjectInfo], set[str]]:
    """Return what a listing shows of ``keys`` below ``prefix``, and which it tells nothing of.

    A listing tells of a thousand objects at a time, but page after page, and of all that the
    bucket has ever been given: so it is read only where many are wanted, not past the last of
    them, and not to the end of a long history. What it has not come to is to be asked for one by
    one, side by side. Of very many keys each folder is listed by itself, by threads of ``pool``.
    """
    if len(keys) <= HEAD_REQUESTS_MAX:
        return {}, set(keys)
    if len(keys) < LISTED_AT_ONCE_MIN:
        return _list(store, prefix, keys, LISTED_PER_KEY_MAX * len(keys))
    folders: dict[str, set[str]] = {}
    for key in keys:
        folders.setdefault(f"{key.rpartition('/')[0]}/", set()).add(key)

    def list_folder(folder: str) -> tuple[dict[str, ObjectInfo], set[str]]:
        wanted = folders[folder]
        return _list(store, folder, wanted, max(PAGE, LISTED_PER_KEY_MAX * len(wanted)))

    listed = run_all(pool, list_folder, sorted(folders))
    found = {key: info for some, _ in listed for key, info in some.items()}
    return found, {key for _, some in listed for key in some}


def _list(
    store: Store, prefix: str, keys: AbstractSet[str], most: int
) -> tuple[dict[str, ObjectInfo], set[str]]:
    end = max(keys)
    found: dict[str, ObjectInfo] = {}
    for number, info in enumerate(store.list(prefix), start=1):
        if info.key in keys:
            found[info.key] = info
        if info.key >= end:
            break
        if number == most:
            return found, {key for key in keys if key > info.key}
    return found, set()
