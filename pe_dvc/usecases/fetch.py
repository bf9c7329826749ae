"""Fetch: from a resolved reference to a verified local file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import payload_key
from pe_dvc.primitives.errors import DigestMismatchError, NotFoundError
from pe_dvc.store.cache import Cache, suffix_of
from pe_dvc.usecases.progress import Reporter, Silent

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.store.port import Store
    from pe_dvc.usecases.resolve import Resolved


def fetch(
    resolved: Resolved, *, store: Store, cache: Cache, reporter: Reporter | None = None
) -> Path:
    """Return the path of the artifact in the cache, downloaded and verified if it was not there.

    Of many processes that fetch one artifact at once, one downloads and the others wait. The
    file is read-only. Raises DigestMismatchError, which leaves nothing behind, NotFoundError and
    StoreError.
    """
    artifact = resolved.manifest.artifact
    final = cache.artifact_path(resolved.sha256, suffix_of(artifact.path))
    if final.exists():
        return final
    with cache.single_flight(resolved.sha256):
        if not final.exists():
            _download(resolved, final, store, cache, reporter or Silent())
    return final


def _download(
    resolved: Resolved, final: Path, store: Store, cache: Cache, reporter: Reporter
) -> None:
    artifact = resolved.manifest.artifact
    key = payload_key(artifact.country, artifact.dvc.md5)
    with (
        cache.new_file(resolved.sha256) as temporary,
        reporter.task(artifact.name, artifact.size) as progress,
    ):
        try:
            actual = store.download(key, temporary, size=artifact.size, progress=progress)
        except NotFoundError:
            raise NotFoundError(
                f"{resolved.reference}: its payload is missing from {store.url}/{key}",
                remedy="Ask the maintainers of the data to run pe-dvc push.",
            ) from None
        if actual != resolved.sha256:
            raise DigestMismatchError(
                what=str(resolved.reference),
                expected=f"sha256:{resolved.sha256}",
                actual=f"sha256:{actual}",
                source=f"{store.url}/{key}",
                remedy="The payload was altered or damaged in the bucket: tell the maintainers "
                "of the data. Nothing was kept.",
            )
        cache.admit(temporary, final)
