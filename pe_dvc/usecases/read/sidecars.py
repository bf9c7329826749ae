"""Sidecars that say more of an artifact's content: read by their sha256, which a manifest names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import MANIFEST_LIMIT
from pe_dvc.documents.sidecar_refs import content_sidecars
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import DigestMismatchError

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
    named = content_sidecars(resolved.manifest).get(kind)
    if named is None:
        return None
    data = cache.read_sidecar(named.sha256)
    if data is None:
        data = read_named(store, named, what=str(resolved.reference))
        cache.keep_sidecar(named.sha256, data)
    return data


def read_named(store: ReadableStore, named: SidecarRef, *, what: str) -> bytes:
    """Return a sidecar from a store. Raises DigestMismatchError, NotFoundError, StoreError."""
    data, _ = store.read(named.key, limit=MANIFEST_LIMIT)
    actual = sha256_bytes(data)
    if actual != named.sha256:
        raise DigestMismatchError(
            what=f"the {named.kind} of {what}",
            expected=f"sha256:{named.sha256} (by the manifest)",
            actual=f"sha256:{actual}",
            source=f"{store.url}/{named.key}",
            remedy="The bucket was altered or damaged: tell the maintainers of the data.",
        )
    return data
