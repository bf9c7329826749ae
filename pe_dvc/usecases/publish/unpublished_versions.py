"""Publish the versions of a role that were committed and never pushed.

A laptop may commit a channel several times between two pushes. Readers need only the newest; the
bucket's versioned files are the channel's history, and that has no gaps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import ConflictError

if TYPE_CHECKING:
    from pe_dvc.trust.bucket import ChannelBucket

History = Callable[[str], Mapping[int, bytes]]
"""Returns, for a role, the versions that git's commits hold signed, as bytes."""


def publish_between(
    bucket: ChannelBucket, role: str, versions: Iterable[int], history: History
) -> list[str]:
    """Create those of ``versions`` that git holds; return the keys written.

    One that git does not hold, as after a squashed merge, stays a gap, which ``pe-dvc channel
    log`` reports: no reader needs it.
    """
    wanted = list(versions)
    held = history(role) if wanted else {}
    written = []
    for version in wanted:
        if version in held:
            # Whoever was there first left a version of their own that was never pointed to.
            with suppress(ConflictError):
                written.append(bucket.store.create(bucket.key(role, version), held[version]).key)
    return written
