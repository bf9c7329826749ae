"""Is what a channel is to go back to still there: not withdrawn, and whole in the bucket?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import RevokedError
from pe_dvc.primitives.reference import Reference
from pe_dvc.trust.ancestry import plain
from pe_dvc.usecases.parallel import TRANSFERS, run_all
from pe_dvc.usecases.pointed_manifest import pointed_manifest

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

    Raises NotFoundError for a manifest or a payload that lacks, ConflictError for another
    manifest, VerificationError for a payload of another size.
    """
    asked = list(pointers)
    check = partial(pointed_manifest, store, remedy=_REMEDY)
    with ThreadPoolExecutor(TRANSFERS) as pool:
        found = run_all(pool, check, asked)
    return {pointer.name: data for pointer, data in zip(asked, found, strict=True)}
