"""Is what a pointer signs in the bucket, whole? For what is published, and what is gone back to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import manifest_key
from pe_dvc.documents.payload import Payload
from pe_dvc.documents.pointed_file import PointedFile
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import ConflictError, NotFoundError, VerificationError
from pe_dvc.usecases.published_manifest import read_manifest

if TYPE_CHECKING:
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.store.port import ReadableStore


def pointed_manifest(
    store: ReadableStore,
    pointer: Pointer,
    *,
    who: str = "",
    remedy: str,
    remedy_of_another: str | None = None,
) -> bytes:
    """Return the manifest that a pointer signs, if it and its payload are in the bucket.

    A payload whose manifest says that it lies elsewhere as well need not be there.

    ``who`` begins the message where the pointer has to be named. Raises NotFoundError for what
    lacks, ConflictError for another manifest, VerificationError for a payload of another size and
    for a pointer that says otherwise than its manifest.
    """
    what = f"{pointer.name}, sha256:{pointer.sha256}"
    key = manifest_key(pointer.country, pointer.sha256)
    try:
        data, key = read_manifest(store, pointer.country, pointer.sha256, pointer.name)
        if sha256_bytes(data) != pointer.manifest_sha256:
            raise ConflictError(
                f"{who}{store.url}/{key} is another manifest than the one signed for {what}",
                remedy=remedy_of_another or remedy,
            )
        payload = Payload.of_manifest(data, where=f"{store.url}/{key}")
        pointer.check_described(PointedFile.of(payload), payload.size, who=f"{who}{what}")
        key = payload.key
        size = _size_in(store, payload)
    except NotFoundError:
        raise NotFoundError(
            f"{who}{what} is not whole: {store.url}/{key} is missing", remedy=remedy
        ) from None
    if size != pointer.size and not payload.is_directory:  # of which the key has the listing
        raise VerificationError(
            f"{who}{store.url}/{key} has {size} bytes, and {pointer.size} were signed for {what}",
            remedy=remedy,
        )
    return data


def _size_in(store: ReadableStore, payload: Payload) -> int:
    try:
        return store.head(payload.key).size
    except NotFoundError:
        if payload.location is None:
            raise
        return payload.size
