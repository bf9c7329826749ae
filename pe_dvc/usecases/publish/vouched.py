"""Manifests that the published ``latest`` signs: a push of something else does not ask for them.

Each was there, with its payload, and was held against its pointer when that was published. What
happened to them since is for a push of nothing new to bring back, and for ``pe-dvc fsck`` to find.
ADR 0029.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.documents.pointer import pointers_of
from pe_dvc.primitives.errors import VerificationError
from pe_dvc.trust.ancestry import plain
from pe_dvc.trust.bucket_head import read_head

if TYPE_CHECKING:
    from collections.abc import Collection

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.trust.bucket import ReadableChannels
    from pe_dvc.trust.signed_metadata import SignedMetadata

CHANNEL = "latest"


class Vouched(NamedTuple):
    """A dataset's artifact, and the manifest that is signed for it."""

    name: str
    sha256: Sha256
    manifest_sha256: Sha256


def vouched_in(
    bucket: ReadableChannels, metadata: SignedMetadata, *, but: Collection[Sha256] = ()
) -> frozenset[Vouched]:
    """Return what the bucket's ``latest`` points to, verified by the keys that git holds.

    Without the artifacts in ``but``. Empty where that is not published, or cannot be verified:
    nothing is believed then. Raises StoreError.
    """
    try:
        named = read_head(bucket).meta.get(CHANNEL)
        if named is None:
            return frozenset()
        where = bucket.where(CHANNEL, named.version)
        held = bucket.signed_named(metadata.delegator(CHANNEL), CHANNEL, named)
        if held is None:
            return frozenset()
        pointers = pointers_of(
            plain(held.metadata.signed), country=metadata.country, channel=CHANNEL, where=where
        )
    except VerificationError:
        return frozenset()
    return frozenset(
        Vouched(p.name, p.sha256, p.manifest_sha256)
        for p in pointers.values()
        if p.sha256 not in but
    )
