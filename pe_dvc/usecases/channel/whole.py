"""Is what a channel is to go back to still there: not withdrawn, and whole in the bucket?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import MANIFEST_LIMIT, manifest_key
from pe_dvc.documents.payload import Payload
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import NotFoundError, RevokedError, VerificationError
from pe_dvc.primitives.reference import Reference
from pe_dvc.trust.ancestry import plain
from pe_dvc.usecases.parallel import TRANSFERS, run_all

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.trust.signed_metadata import SignedMetadata

_REMEDY = "Nothing was changed. Run pe-dvc fsck, which says what can be repaired."


def refuse_revoked(git: SignedMetadata, pointers: Iterable[Pointer]) -> None:
    """Raise RevokedError for an artifact that the signed role ``revoked`` names.

    A tombstone in the bucket is unsigned, and says nothing.
    """
    targets = plain(git.verified("revoked").signed).values()
    withdrawn = {target["hashes"].get("sha256") for target in targets}
    for pointer in pointers:
        if pointer.sha256 in withdrawn:
            raise RevokedError(
                f"{pointer.name}, sha256:{pointer.sha256}, was withdrawn",
                reference=str(Reference.pinned(pointer.country, pointer.name, pointer.sha256)),
                remedy="Nothing was changed. Ask the data stewards.",
            )


def whole_manifests(store: ReadableStore, pointers: Iterable[Pointer]) -> dict[str, bytes]:
    """Return the manifests that pointers sign, by name, if what they describe is in the bucket.

    Raises NotFoundError for a manifest or a payload that lacks, VerificationError for another one.
    """
    asked = list(pointers)
    with ThreadPoolExecutor(TRANSFERS) as pool:
        found = run_all(pool, lambda pointer: _whole_manifest(store, pointer), asked)
    return {pointer.name: data for pointer, data in zip(asked, found, strict=True)}


def _whole_manifest(store: ReadableStore, pointer: Pointer) -> bytes:
    what = f"{pointer.name}, sha256:{pointer.sha256}"
    key = manifest_key(pointer.country, pointer.sha256)
    try:
        data, _ = store.read(key, limit=MANIFEST_LIMIT)
        if sha256_bytes(data) != pointer.manifest_sha256:
            raise VerificationError(
                f"{store.url}/{key} is not the manifest that was signed for {what}", remedy=_REMEDY
            )
        payload = Payload.of_manifest(data, where=f"{store.url}/{key}")
        key = payload.key
        size = store.head(key).size
    except NotFoundError:
        raise NotFoundError(
            f"{what} is no longer whole: {store.url}/{key} is missing", remedy=_REMEDY
        ) from None
    if size != pointer.size:
        raise VerificationError(
            f"{store.url}/{key} has {size} bytes, and {pointer.size} were signed for {what}",
            remedy=_REMEDY,
        )
    return data
