"""Publish a country's channels: what git holds signed becomes what readers see.

Versioned files come first and are created once; the timestamp comes last and is swapped. Killed
anywhere, readers see the old state or the new one, and a rerun completes. ADR 0003 and 0004.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from pe_dvc.primitives.reference import CHANNELS
from pe_dvc.primitives.result import Result
from pe_dvc.store.together import together
from pe_dvc.trust.bucket_head import read_head
from pe_dvc.trust.bucket_writer import ChannelBucket
from pe_dvc.trust.roles import TARGETS_LIKE, utc
from pe_dvc.trust.stored_metadata import SnapshotMeta
from pe_dvc.usecases.publish.log import ChannelLog
from pe_dvc.usecases.publish.log_hold import hold_log
from pe_dvc.usecases.publish.moved import follows, leads_to
from pe_dvc.usecases.publish.root_rotation import roots_to_publish_under
from pe_dvc.usecases.publish.roots import publish_roots
from pe_dvc.usecases.publish.snapshot import publish_snapshot
from pe_dvc.usecases.publish.versioned_files import (
    publish_between,
    publish_role,
    published_unnamed,
)
from pe_dvc.usecases.publish.witnessed_root import refuse_unwitnessed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pe_dvc.trust.signed_metadata import SignedMetadata
    from pe_dvc.usecases.publish.pointed_objects import PointedObjects
    from pe_dvc.usecases.publish.publisher import Publisher

COPIES = ("latest", "next")
"""Roles of which an unversioned copy is kept for curl and dashboards; nothing verifies it."""


@dataclass(frozen=True, kw_only=True)
class PublishedChannels(Result):
    """The versions that readers now see, by role, and the keys that this run wrote, in order.

    ``replaced`` are those of objects that were there and that today's keys had not signed.
    ``waiting`` says of each role that stayed as it was published why git's version waits,
    ``drafts`` who must still sign new versions of root and targets.
    """

    versions: dict[str, int]
    written: tuple[str, ...]
    replaced: tuple[str, ...] = ()
    waiting: dict[str, str] = field(default_factory=dict)
    drafts: dict[str, str] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """One line for people."""
        news = [role for role in ("releases", "revoked") if self._is_news(role)]
        shown = ", ".join(f"{role} {self.versions.get(role, 'none')}" for role in (*COPIES, *news))
        return f"{shown} ({'published' if self.written else 'already there'})"

    def _is_news(self, role: str) -> bool:
        """Tell whether a version of a role was published that is not its first, empty one."""
        name = f"{self.versions.get(role, 1)}.{role}.json"
        return name[:2] != "1." and any(key.endswith(f"/{name}") for key in self.written)


def publish_channels(
    bucket: ChannelBucket,
    metadata: SignedMetadata,
    publisher: Publisher,
    *,
    pointed: PointedObjects | None = None,
    waiting: Mapping[str, str] | None = None,
) -> PublishedChannels:
    """Bring a country's signed metadata into the store of ``bucket``, which has the same roots.

    Writes nothing that is there already, and nothing at all if all is. Payloads and manifests
    must be there before (``publish_objects``). Raises SignatureError and ExpiredError for
    metadata in git that readers would refuse, MovedError, which says what moved, if the
    store holds something else or something newer, VerificationError if the store was tampered
    with, and StoreError. ``Publication`` goes on where this raises MovedError.
    Versions that the publisher's ``history`` holds and that were never published are published
    before the newest, so that the bucket tells the whole history. ``pointed`` refuses a channel
    that points to what is not in the store. The roles in ``waiting`` stay as they are published.
    """
    left = dict(waiting or {})
    metadata.check_publishable(utc(publisher.now), but=left)
    country, roots = metadata.country, [root.signed for root in metadata.roots]
    written: list[str] = []
    replaced: list[str] = []
    # The newest root says which log goes on: git's are held against the bucket's under it alone.
    under_earlier_roots = replace(publisher, logs=())
    for count in roots_to_publish_under(bucket, metadata.targets):
        under = ChannelBucket(bucket.store, country, roots[:count], successor=roots[count])
        earlier = metadata.up_to_root(count)
        written += _publish_under(under, earlier, under_earlier_roots, pointed, left)[1]
        replaced += under.replaced
    versions, keys = _publish_under(bucket, metadata, publisher, pointed, left)
    return PublishedChannels(
        versions=versions,
        written=(*written, *keys),
        replaced=(*replaced, *bucket.replaced),
        waiting=left,
    )


def _publish_under(
    bucket: ChannelBucket,
    ours: SignedMetadata,
    publisher: Publisher,
    pointed: PointedObjects | None,
    waiting: Collection[str],
) -> tuple[dict[str, int], list[str]]:
    """Publish the roots of ``ours``, and everything below; return versions and keys written."""
    refuse_unwitnessed(bucket)
    written, head = together(
        bucket.store, partial(publish_roots, bucket, ours), partial(read_head, bucket)
    )
    hold_log(bucket, head, publisher.logs[:1])  # again: uploads took time since the preflight
    before, wanted = head.meta or published_unnamed(bucket, ours, head.files), SnapshotMeta()
    if pointed is not None:
        _check_pointed(pointed, ours, before, waiting)
    wanted |= {role: before[role] for role in waiting if role in before}
    log = ChannelLog(bucket, publisher.signers, {c: ours.role(c).signed for c in CHANNELS})
    roles = [role for role in TARGETS_LIKE if role not in waiting]
    history = publisher.history

    def publish_roles() -> None:
        for role in roles:
            named = before.get(role)
            wanted[role], keys = publish_role(bucket, ours, role, named, history)
            written.extend(keys)
            if history is not None and keys:
                between = publish_between(
                    bucket,
                    ours.role(role).signed,
                    role,
                    named.version if named else 0,
                    history,
                    there=head.files,
                    pointed=pointed,
                )
                written.extend(between)

    is_news = any(r not in before or before[r].hashes != ours.meta_file(r).hashes for r in roles)
    together(bucket.store, publish_roles, *(log.readers_ahead(head) if is_news else ()))
    head, keys = publish_snapshot(
        bucket,
        wanted,
        publisher.signers,
        log=log,
        head=head,
        now=utc(publisher.now),
        follows=partial(follows, bucket, ours),
        leads_to=partial(leads_to, bucket, ours),
    )
    written += keys
    shown = {role: n for role, n in head.versions.items() if role not in waiting}
    written += _refresh_copies(bucket, ours, shown, written)
    return head.versions, written


def _check_pointed(
    pointed: PointedObjects, ours: SignedMetadata, before: SnapshotMeta, waiting: Collection[str]
) -> None:
    for channel in (channel for channel in CHANNELS if channel not in waiting):
        signed = ours.role(channel).signed
        if channel not in before or before[channel].version < signed.version:
            pointed.check(channel, signed)


def _refresh_copies(
    bucket: ChannelBucket, ours: SignedMetadata, versions: dict[str, int], written: Collection[str]
) -> list[str]:
    """Overwrite the unversioned copies that are not what readers now see."""

    def refresh(role: str) -> bool:
        version = ours.role(role).signed.version
        if versions.get(role) != version:
            return False  # another publisher has gone on from ours: the copy is its to write
        is_new = bucket.key(role, version) in written
        return bucket.refresh_copy(role, ours.data(role), is_new=is_new)

    refreshed = together(bucket.store, *(partial(refresh, role) for role in COPIES))
    return [bucket.key(role) for role, is_other in zip(COPIES, refreshed, strict=True) if is_other]
