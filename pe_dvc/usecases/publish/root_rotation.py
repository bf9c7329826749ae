"""When a new root takes over: what must be signed again before readers see it.

Readers load the root first. What they find below it must be signed by keys that it lists, so that
metadata of the new keys is published under the root before, which lists them as well.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from pe_dvc.store.port import head_if_there
from pe_dvc.trust.tuf_api import Root
from pe_dvc.trust.verify import role_of, signatures

if TYPE_CHECKING:
    from pe_dvc.trust.bucket_writer import ChannelBucket
    from pe_dvc.trust.tuf_api import Metadata, Targets

_BELOW = ("targets", "snapshot", "timestamp")


def roots_to_publish_under(bucket: ChannelBucket, targets: Metadata[Targets]) -> list[int]:
    """Return after how many roots of ``bucket`` everything below is to be published again.

    Empty where the next root is published already, where nothing was published at all, or where
    the two roots have too few keys in common, as after a theft: then the new one comes at once.
    ``targets`` is what is to be published below.
    """
    wanted = [
        before.version
        for before, after in pairwise(bucket.roots)
        if _takes_away(before, after)
        and _share_keys(before, after)
        and signatures(before, "targets", targets)
    ]
    if not wanted or head_if_there(bucket.store, bucket.key("timestamp")) is None:
        return []
    return [
        count
        for count in wanted
        if bucket.signed(bucket.roots[count - 1], "root", Root, count + 1) is None
    ]


def _takes_away(before: Root, after: Root) -> bool:
    """Return whether what the keys of one root signed may not be enough for the next."""
    return any(
        not set(role_of(before, role).keyids) <= set(role_of(after, role).keyids)
        or role_of(before, role).threshold < role_of(after, role).threshold
        for role in _BELOW
    )


def _share_keys(before: Root, after: Root) -> bool:
    return all(
        len(set(role_of(before, role).keyids) & set(role_of(after, role).keyids))
        >= max(role_of(before, role).threshold, role_of(after, role).threshold)
        for role in _BELOW
    )
