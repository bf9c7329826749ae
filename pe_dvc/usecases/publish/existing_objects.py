"""Which objects a store holds already, found in as few round trips as may be."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from pe_dvc.store.presence import head_if_there
from pe_dvc.usecases.parallel import run_all

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from concurrent.futures import ThreadPoolExecutor

    from pe_dvc.store.port import ObjectInfo, Store

HEAD_REQUESTS_MAX = 64
"""Up to so many objects each is asked for by itself; more are listed."""
LISTED_PER_KEY_MAX = 4
"""Objects that are listed at most for each one that is looked for."""


def find_objects(
    store: Store, prefix: str, keys: AbstractSet[str], pool: ThreadPoolExecutor
) -> dict[str, ObjectInfo]:
    """Return what the store holds of ``keys``, all of which lie below ``prefix``.

    A listing tells of a thousand objects at a time, but page after page, and of all that the
    bucket has ever been given: so it is read only where many are wanted, and not to the end of
    a long history. What it has not come to is asked for one by one, side by side.
    """
    listed: dict[str, ObjectInfo] = {}
    rest = sorted(keys)
    if len(keys) > HEAD_REQUESTS_MAX:
        most = LISTED_PER_KEY_MAX * len(keys)
        listed = {info.key: info for info in islice(store.list(prefix), most)}
        last = max(listed) if len(listed) == most else None
        rest = [key for key in rest if last is not None and key > last]
    asked = run_all(pool, lambda key: head_if_there(store, key), rest)
    found = listed | {info.key: info for info in asked if info is not None}
    return {key: found[key] for key in keys & found.keys()}
