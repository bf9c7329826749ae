"""What readers of a store see, read back once it was published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.trust.bucket_head import read_head
from pe_dvc.trust.seen import SeenPublication

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.trust.bucket import ReadableChannels


def read_back(bucket: ReadableChannels, stores: Sequence[str]) -> SeenPublication | None:
    """Return what readers now see, verified from git's roots; None if it does not verify.

    ``stores`` are the names of the store and its mirrors. A ``bucket`` that was published to has
    read it back. Raises StoreError.
    """
    head = bucket.head or read_head(bucket)
    if head.timestamp is None or head.snapshot is None:
        return None
    read = SeenPublication(
        country=bucket.country,
        stores=tuple(stores),
        timestamp=head.timestamp.data,
        snapshot=head.snapshot.data,
    )
    where = bucket.store.url
    seen = SeenPublication.from_bytes(read.to_bytes(), where=where)  # as others will read it
    return seen if seen.is_signed_by(bucket.root, where=where) else None
