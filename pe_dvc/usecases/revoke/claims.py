"""Whose bytes lie at an address that a withdrawn artifact and another one both name.

A manifest is what its publisher says: that of a withdrawn artifact may give the address of someone
else's payload, and a forged one that of the withdrawn bytes. The bytes decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.documents.dvc_hash import is_listing
from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.usecases.object_digest import object_digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.documents.manifest import ManifestHead
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.usecases.retention.reachability import Bucket

DISPUTED = (
    "{other} has the same address, and the bytes there do not tell whose they are: run pe-dvc fsck"
)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """An artifact, by its ``reference``, that names the same address.

    The bytes there are its own if ``is_owner``, else it cannot be told whose they are.
    """

    reference: str
    is_owner: bool


def claim_of(
    bucket: Bucket, key: str, sha256: Sha256, others: Sequence[ManifestHead]
) -> Claim | None:
    """Return who else has what lies at ``key``; None if that is the artifact ``sha256`` alone.

    ``others`` are manifests of other bytes that name the address. Raises StoreError.
    """
    info = bucket.objects.get(key)
    if info is None or not others:
        return None
    if is_listing(others[0].artifact.dvc.md5):
        return Claim(reference=others[0].reference, is_owner=False)
    try:
        actual = object_digest(bucket.store, key, info.size)
    except NotFoundError:
        return None
    if actual == sha256:
        return None
    owner = next((one for one in others if one.artifact.sha256 == actual), None)
    return Claim(reference=(owner or others[0]).reference, is_owner=owner is not None)
