"""Sidecars that say more of an artifact's content: read by their sha256, which a manifest names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import MANIFEST_LIMIT
from pe_dvc.documents.sidecar_refs import content_sidecars
from pe_dvc.primitives.digest import check_promised
from pe_dvc.store.several import first_good

if TYPE_CHECKING:
    from pe_dvc.documents.sidecar_refs import SidecarRef
    from pe_dvc.store.cache import Cache
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.usecases.read.resolve import Resolved


def read_sidecar(
    resolved: Resolved, kind: str, *, store: ReadableStore, cache: Cache
) -> bytes | None:
    """Return a sidecar, such as the ``profile``, None if the manifest names none of that kind.

    It is as true as the manifest: of a pin, not signed (``Resolved.manifest_verified``). Raises
    DigestMismatchError, NotFoundError and StoreError.
    """
    named = content_sidecars(resolved.plain_manifest).get(kind)
    if named is None:
        return None
    data = cache.read_sidecar(named.sha256)
    if data is None:
        what = str(resolved.reference)
        data = first_good(store, lambda one: read_named(one, named, what=what))
        cache.keep_sidecar(named.sha256, data)
    return data


def read_named(store: ReadableStore, named: SidecarRef, *, what: str) -> bytes:
    """Return a sidecar from a store. Raises DigestMismatchError, NotFoundError, StoreError."""
    data, _ = store.read(named.key, limit=MANIFEST_LIMIT)
    source, what = f"{store.url}/{named.key}", f"the {named.kind} of {what}"
    check_promised(data, named.sha256, what=what, by="by the manifest", source=source)
    return data
