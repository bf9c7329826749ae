"""Refuse before anything is uploaded what publishing would refuse at its end."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import ExpiredError
from pe_dvc.trust.ancestry import descends
from pe_dvc.trust.roles import TARGETS_LIKE, utc
from pe_dvc.trust.tuf_api import Targets
from pe_dvc.usecases.publish.log_hold import hold_log
from pe_dvc.usecases.publish.moved import moved_error
from pe_dvc.usecases.publish.rebase import REBASED, rebase

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from pe_dvc.store.port import Store
    from pe_dvc.trust.bucket_writer import ChannelBucket
    from pe_dvc.trust.signed_metadata import SignedMetadata
    from pe_dvc.trust.stored_metadata import Head
    from pe_dvc.trust.tuf_api import MetaFile
    from pe_dvc.usecases.publish.publisher import Publisher

CLOCKS_MAY_DIFFER = timedelta(days=1)
"""By how much this machine's clock may differ from the store's: a timestamp is good for days."""


def check_clock(store: Store, now: datetime, store_time: datetime | None) -> None:
    """Raise ExpiredError if ``now`` is far from the time by the store's own clock.

    What a clock that is ahead signs would make every other publisher's metadata look older than
    what readers have; what one that is behind signs would expire at once.
    """
    if store_time is None or abs(now - store_time) <= CLOCKS_MAY_DIFFER:
        return
    raise ExpiredError(
        f"this machine's clock says {utc(now):%Y-%m-%d at %H:%M} UTC, and that of {store.url} "
        f"{utc(store_time):%Y-%m-%d at %H:%M}",
        remedy="Nothing was changed. Set the clock, and try again.",
    )


def check_before_upload(
    bucket: ChannelBucket,
    head: Head,
    metadata: SignedMetadata,
    publisher: Publisher,
    waiting: Collection[str] = (),
) -> None:
    """Raise what publishing ``metadata`` would raise for want of keys, or for other publishers.

    ``head`` is where the bucket stood a moment ago. Nothing is written, but by the publisher's
    ``probe``, which is asked if anything is new. Roles that are ``waiting`` are not published.
    Another publisher may still be first in the meantime.
    """
    hold_log(bucket, head, publisher.logs[:1])
    named = head.meta
    roles = [role for role in TARGETS_LIKE if role not in waiting]
    new = [role for role in roles if _is_new(bucket, metadata, role, named.get(role))]
    if new:
        hold_log(bucket, head, publisher.logs[1:])  # which takes a request
        for role in ("snapshot", "timestamp"):
            publisher.signers.check_enough(bucket.root, role)
        if publisher.probe is not None:
            publisher.probe()
    for role in (role for role in new if role in named):
        version = named[role].version
        held = bucket.signed(metadata.delegator(role), role, Targets, version, named[role])
        if held is None or descends(metadata.role(role).signed, held.metadata):
            continue
        moved = moved_error(bucket, metadata, role, version)
        if role != REBASED:  # with a draft of its own, git knows nothing of what was withdrawn
            raise moved
        rebase(bucket, metadata, moved, publisher)


def _is_new(
    bucket: ChannelBucket, metadata: SignedMetadata, role: str, named: MetaFile | None
) -> bool:
    """Return whether git's metadata of a role is neither what is published nor behind it."""
    if named is None:
        return True
    if named.hashes == metadata.meta_file(role).hashes:
        return False
    held = bucket.signed(metadata.delegator(role), role, Targets, named.version, named)
    ours = metadata.role(role)
    return held is None or not (
        held.metadata.signed == ours.signed or descends(held.metadata.signed, ours)
    )
