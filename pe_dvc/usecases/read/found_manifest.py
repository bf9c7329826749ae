"""The manifest that a reference leads to: read from a store, or found in the cache."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.documents.payload import Payload
from pe_dvc.primitives.digest import check_promised, sha256_bytes
from pe_dvc.primitives.errors import DigestMismatchError, FormatError, NotFoundError
from pe_dvc.usecases.mirror_hint import mirror_hint
from pe_dvc.usecases.published_manifest import read_manifest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.primitives.reference import Reference
    from pe_dvc.store.cache import Cache
    from pe_dvc.store.port import ReadableStore


class FoundManifest(NamedTuple):
    """The bytes of a manifest, and the address in a store or the cache that they come from."""

    data: bytes
    source: str


class LaterManifest:
    """A manifest that ``find`` reads when it is first needed; the result is kept."""

    def __init__(self, find: Callable[[], FoundManifest]) -> None:
        self._find = find

    @cached_property
    def _found(self) -> FoundManifest:
        return self._find()

    def __reduce__(self) -> tuple[type[FoundManifest], tuple[bytes, str]]:
        """Pickle it as the manifest that was found: ``find`` works in this process only."""
        return FoundManifest, (self.data, self.source)

    @property
    def data(self) -> bytes:
        """See FoundManifest. Raises what ``find`` does."""
        return self._found.data

    @property
    def source(self) -> str:
        """See FoundManifest. Raises what ``find`` does."""
        return self._found.source


def signed_manifest(reference: Reference, pointer: Pointer, store: ReadableStore) -> FoundManifest:
    """Return the manifest whose sha256 a pointer signs.

    Raises NotFoundError, DigestMismatchError for a manifest with another sha256, and StoreError.
    """
    try:
        data, key = read_manifest(store, reference.country, pointer.sha256, reference.name)
    except NotFoundError as error:
        said = mirror_hint(store, reference.country)
        if said is None:
            raise
        raise NotFoundError(f"{reference}: {error.message}", remedy=said) from None
    source = f"{store.url}/{key}"
    what = f"the manifest of {reference}"
    check_promised(data, pointer.manifest_sha256, what=what, by="signed", source=source)
    return FoundManifest(data, source)


def read_pin(
    reference: Reference, sha256: Sha256, store: ReadableStore, cache: Cache
) -> FoundManifest:
    """Return the manifest of an artifact from a store, for a pinned reference.

    It is not signed, so the store is asked each time. It is cached for offline use.
    """
    try:
        found = _claimed(reference, sha256, store)
    except NotFoundError:
        raise NotFoundError(
            f"{reference}: no artifact with that sha256 is published in {store.url}",
            remedy=mirror_hint(store, reference.country)
            or "Check the digest and the country, and that --store names the right bucket.",
        ) from None
    own = sha256_bytes(found.data)
    if cache.read_manifest(own) is None:
        cache.keep_manifest(own, found.data)
    return found


def _claimed(reference: Reference, sha256: Sha256, store: ReadableStore) -> FoundManifest:
    """Return a store's manifest of an artifact, if the manifest names that artifact."""
    data, key = read_manifest(store, reference.country, sha256, reference.name)
    source = f"{store.url}/{key}"
    check_artifact(Payload.of_manifest(data, where=source), reference, sha256, source)
    return FoundManifest(data, source)


def check_artifact(payload: Payload, reference: Reference, sha256: Sha256, source: str) -> None:
    """Raise DigestMismatchError for a manifest that describes another artifact."""
    if payload.sha256 != sha256:
        raise DigestMismatchError(
            what=f"the artifact that the manifest of {reference} describes",
            expected=f"sha256:{sha256}",
            actual=f"sha256:{payload.sha256}",
            source=source,
        )


def find_pin(
    reference: Reference, sha256: Sha256, store: ReadableStore, cache: Cache
) -> FoundManifest:
    """Return the manifest of an artifact from the cache, for a pinned reference offline.

    A pin verifies the artifact's bytes and not its manifest, offline as online.
    """
    found: bytes | None = None
    for data in cache.manifests_naming(sha256):
        with suppress(FormatError):  # a release's, or another one that only mentions the digest
            payload = Payload.of_manifest(data)
            if payload.sha256 == sha256 and (found is None or payload.name == reference.name):
                found = data
                if payload.name == reference.name:
                    break
    if found is not None:
        return FoundManifest(found, f"{cache.directory}/manifests")
    raise NotFoundError(
        f"{reference}: no manifest of that artifact is in the cache {cache.directory}, and the "
        "store is not read offline",
        remedy=f"Read it once online: pe-dvc get {reference}",
    )
