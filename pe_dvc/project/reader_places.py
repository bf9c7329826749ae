"""Where a reader gets an artifact's bytes from, besides its cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.store.error_hints import with_offline_hint, with_reason_if_missing
from pe_dvc.store.local_copies import LocalCopy

if TYPE_CHECKING:
    from collections.abc import Callable

    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.cache import Cache
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.usecases.read.resolve import Resolved


def local_copies(repo: DataRepo | None, resolved: Resolved) -> list[LocalCopy]:
    """Return where a clone may hold the artifact: DVC's cache, then the workspace."""
    if repo is None:
        return []
    from pe_dvc.adapters.dvc.cache import object_path

    payload = resolved.payload
    in_dvc = object_path(repo.dvc_config.cache_dir, payload.md5)
    copies = [LocalCopy(path=in_dvc, immutable=True)]
    if resolved.manifest_verified:
        copies.append(LocalCopy(path=repo.root / payload.path, immutable=False))
    return copies


def payload_store(
    store: ReadableStore,
    resolved: Resolved,
    cache: Cache,
    refuse_now: Callable[[], None],
    *,
    offline: bool,
) -> ReadableStore:
    """Return ``store`` to read an artifact's bytes from; offline it names what is not here.

    Of bytes that are missing it asks first, by ``refuse_now``, whether they were withdrawn since.
    """
    if offline:
        return with_offline_hint(
            store,
            f"{resolved.reference}: the bytes sha256:{resolved.sha256} are not in the cache "
            f"{cache.directory}, or not all of them, and the store is not read offline",
            f"Fetch them once online: pe-dvc get {resolved.pinned}",
        )
    if resolved.payload.location is not None:
        return store  # its bytes lie elsewhere, and are missing here
    return with_reason_if_missing(store, refuse_now)
