"""Whether a store has an object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import NotFoundError

if TYPE_CHECKING:
    from pe_dvc.store.port import ObjectInfo, ObjectSource


def head_if_there(store: ObjectSource, key: str) -> ObjectInfo | None:
    """Return what the store says of an object, None where it has none. Raises StoreError."""
    try:
        return store.head(key)
    except NotFoundError:
        return None
