"""Before a rollback: does the bucket still have everything that the channel would point to?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pe_dvc.primitives.pools import Pool
from pe_dvc.usecases.parallel import TRANSFERS, run_all
from pe_dvc.usecases.pointed_manifest import pointed_manifest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.store.port import ReadableStore

_REMEDY = "Nothing was changed. Run pe-dvc fsck, which says what can be repaired."


def complete_manifests(store: ReadableStore, pointers: Iterable[Pointer]) -> dict[str, bytes]:
    """Return the manifests that pointers sign, by name, if what they describe is in the bucket.

    Raises NotFoundError for a manifest or a payload that lacks, ConflictError for another
    manifest, VerificationError for a payload of another size.
    """
    asked = list(pointers)
    check = partial(pointed_manifest, store, remedy=_REMEDY)
    with Pool(TRANSFERS) as pool:
        found = run_all(pool, check, asked)
    return {pointer.name: data for pointer, data in zip(asked, found, strict=True)}
