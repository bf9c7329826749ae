"""Does a store keep its promise that of two writers one fails? Some ignore conditional requests."""

from __future__ import annotations

import contextlib
import uuid
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import publisher_lock_key
from pe_dvc.primitives.errors import ConflictError, StoreError, StorePermissionError

if TYPE_CHECKING:
    from pe_dvc.store.port import Store


def check_conditions(store: Store, country: str) -> None:
    """Raise StoreError for a store that ignores ``If-None-Match`` or ``If-Match``.

    There, of two publishers at once one would be lost without a word. What is written to try it
    is removed again.
    """
    key = publisher_lock_key(country, uuid.uuid4().hex)
    try:
        first = store.create(key, b"{}")
    except ConflictError:  # our own: the answer to a first request was lost, and it was sent again
        first = store.head(key)
    try:
        ignored = [
            name
            for name, is_kept in (
                ("If-None-Match", _refuses_second(store, key)),
                ("If-Match", _refuses_stale(store, key, first.etag)),
            )
            if not is_kept
        ]
    finally:
        with contextlib.suppress(StorePermissionError):
            store.delete([key])
    if ignored:
        raise StoreError(
            f"{store.url} ignores {' and '.join(ignored)}: when two publish at once, the work of "
            "one is lost, and neither is told",
            operation="write",
            key=key,
            remedy="Nothing was published. Use a store with conditional writes (S3, Google Cloud "
            "Storage, current MinIO and Ceph), or, if only one machine ever publishes, set "
            "single_publisher = true in [tool.pe_dvc].",
        )


def _refuses_second(store: Store, key: str) -> bool:
    try:
        store.create(key, b"{ }")
    except ConflictError:
        return True
    return False


def _refuses_stale(store: Store, key: str, etag: str) -> bool:
    store.overwrite(key, b"{  }")
    try:
        store.compare_and_swap(key, b"{   }", etag)
    except ConflictError:
        return True
    return False
