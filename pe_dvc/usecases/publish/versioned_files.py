"""Publish the roots of a country: each is created once, oldest first, for readers to follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import ConflictError, NotFoundError
from pe_dvc.trust.tuf_api import Root
from pe_dvc.trust.verify import TAMPERED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.trust.bucket import ChannelBucket


def publish_roots(bucket: ChannelBucket, data: Sequence[bytes]) -> list[str]:
    """Create those of the bucket's roots that lack, and return the keys written.

    ``data`` are their bytes, from version 1 on. Raises ConflictError if the bucket holds another
    root, or a newer one.
    """
    newest = len(data)
    if bucket.has("root", newest + 1):
        raise ConflictError(
            f"{bucket.where('root', newest + 1)} is newer than root version {newest} in git",
            remedy="Take over the newer root (git pull), then push again.",
        )
    if _is_there(bucket, newest):
        return []
    written = []
    for version in range(1, newest + 1):
        key = bucket.key("root", version)
        try:
            bucket.store.create(key, data[version - 1])
        except ConflictError:
            if not _is_there(bucket, version):
                raise
        else:
            written.append(key)
    return written


def _is_there(bucket: ChannelBucket, version: int) -> bool:
    """Return whether the bucket holds a root; raise ConflictError if it holds another one."""
    try:
        held = bucket.read("root", Root, version)
    except NotFoundError:
        return False
    if held.metadata.signed != bucket.roots[version - 1]:
        raise ConflictError(
            f"{bucket.where('root', version)} is another root than version {version} in git",
            remedy=f"Check that this is the right bucket. If it is: {TAMPERED}",
        )
    return True
