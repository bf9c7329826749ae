"""The last two steps of a publication: a snapshot that lists every role, and the timestamp.

Snapshots are created once, so that of two publishers exactly one makes version N + 1; the other
builds on it. The timestamp is swapped, then read again. Every step can be repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pe_dvc.documents.metadata_fields import LOG_FIELD
from pe_dvc.primitives.canonical import readable_json
from pe_dvc.primitives.errors import (
    ConflictError,
    ExpiredError,
    MovedError,
    RollbackError,
)
from pe_dvc.trust.bucket_head import read_head
from pe_dvc.trust.country_and_role import write_country_and_role
from pe_dvc.trust.roles import TAMPERED, utc
from pe_dvc.trust.stored_metadata import Head, SnapshotMeta, StoredMetadata, snapshot_meta
from pe_dvc.trust.tuf_api import Metadata, MetaFile, Snapshot, Timestamp
from pe_dvc.trust.verify import expiry_days, verify_signed_by
from pe_dvc.trust.version_numbers import next_free

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pe_dvc.trust.bucket_writer import ChannelBucket
    from pe_dvc.trust.signers import Signers
    from pe_dvc.usecases.publish.log import ChannelLog

ATTEMPTS = 32
"""How often a publisher builds on what others did in the meantime before it gives up."""

Follows = Callable[[str, int], bool]
"""Whether our metadata of a role was made from a version of it that is in the bucket, or that
from ours."""


def publish_snapshot(
    bucket: ChannelBucket,
    wanted: SnapshotMeta,
    signers: Signers,
    *,
    log: ChannelLog,
    head: Head,
    now: datetime,
    follows: Follows = lambda role, version: False,
    leads_to: Follows = lambda role, version: False,
) -> tuple[Head, list[str]]:
    """Make the timestamp name a snapshot that covers ``wanted``; return both and keys written.

    Both carry the log of all that was ever named, which ``log`` continues: its tiles lie in the
    bucket before the timestamp tells of them. ``head`` is where the bucket stood when ``wanted``
    was found to follow from it; ``follows`` tells whether a role's ``wanted`` version was made from
    another published one, ``leads_to`` whether another was made from it. Never lowers a role's
    version. Nothing is written where all is in place and fresh. Raises MovedError if a version was
    published meanwhile that is neither before nor after ``wanted``, ConflictError after too many
    lost races, SignatureError without the keys of snapshot and timestamp, VerificationError,
    StoreError.
    """
    written: list[str] = []
    ours = _Replaceable(bucket, wanted, head.meta, follows, leads_to)
    online = _OnlineRoles(bucket, signers, log, now)
    for _ in range(ATTEMPTS):
        snapshot, key = online.covering(ours, head)
        written += key
        written += log.write(snapshot, is_new=bool(key))
        if online.stands(head, snapshot) and log.agrees(head):
            return head, written
        # Another publisher may be first: then look again, and build on what it did.
        with suppress(ConflictError):
            written += online.swap_timestamp(snapshot, head)
        head = read_head(bucket, ahead=[("snapshot", snapshot.metadata.signed.version)])
    raise ConflictError(
        f"other publishers kept changing {bucket.where('timestamp')} through {ATTEMPTS} attempts",
        remedy="Nothing is lost: push again.",
    )


@dataclass(frozen=True)
class _Replaceable:
    """What we want snapshots to name, and which other versions that may take the place of."""

    bucket: ChannelBucket
    wanted: SnapshotMeta
    seen: SnapshotMeta
    follows: Follows
    leads_to: Follows

    def check(self, named: SnapshotMeta) -> None:
        """Raise MovedError rather than pass over a version that ours was not made from.

        Nor may ours be passed over by one that was not made from it. ``named`` is what a snapshot
        says that may be newer than what was ``seen``: another publisher's, or one that we left
        behind ourselves when we were killed.
        """
        for role in named.keys() & self.wanted.keys():
            meta_file, ours = named[role], self.wanted[role].version
            before = self.seen[role].version if role in self.seen else 0
            if not before < meta_file.version != ours:
                continue
            related = self.follows if meta_file.version < ours else self.leads_to
            if not related(role, meta_file.version):
                raise MovedError(
                    f"another publisher was first: {self.bucket.where(role, meta_file.version)} "
                    f"was published while {role} version {self.wanted[role].version} "
                    "was about to be",
                    role=role,
                    remedy="Nothing is lost: push again.",
                )


@dataclass(frozen=True)
class _OnlineRoles:
    """Makes snapshots and timestamps of ``bucket``, which continue ``log``, at ``now``."""

    bucket: ChannelBucket
    signers: Signers
    log: ChannelLog
    now: datetime

    def covering(
        self, ours: _Replaceable, head: Head
    ) -> tuple[StoredMetadata[Snapshot], list[str]]:
        """Return the newest snapshot, if it covers what is wanted, else a new one and its key.

        One that a publisher left behind before it reached the timestamp is taken up.
        """
        snapshot, last = head.snapshot, head.last
        for _ in range(ATTEMPTS):
            ours.check(snapshot_meta(snapshot))
            if snapshot and self._is_good(snapshot, ours.wanted):
                return snapshot, []
            try:
                return self._create(snapshot, ours.wanted, head, last + 1)
            except ConflictError:
                snapshot, last = self._successor(snapshot, last + 1), last + 1
        raise ConflictError(
            f"other publishers kept writing snapshots of {self.bucket.country} through {ATTEMPTS} "
            "attempts",
            remedy="Nothing is lost: push again.",
        )

    def _is_good(self, snapshot: StoredMetadata[Snapshot], wanted: SnapshotMeta) -> bool:
        return (
            snapshot.metadata.signed.version >= self.bucket.seen.snapshot
            and _covers(snapshot, wanted)
            and self.bucket.is_fresh("snapshot", snapshot.metadata, self.now)
            and self.log.has(snapshot, snapshot_meta(snapshot))
        )

    def _successor(
        self, before: StoredMetadata[Snapshot] | None, version: int
    ) -> StoredMetadata[Snapshot] | None:
        """Read the snapshot that was there first; it must not take back what ``before`` said."""
        snapshot = self.bucket.snapshot(version)
        if snapshot and not _covers(snapshot, snapshot_meta(before)):
            raise RollbackError(
                f"{self.bucket.where('snapshot', version)} names older metadata than the snapshot "
                "before",
                remedy=TAMPERED,
            )
        return snapshot

    def _create(
        self,
        before: StoredMetadata[Snapshot] | None,
        wanted: SnapshotMeta,
        head: Head,
        version: int,
    ) -> tuple[StoredMetadata[Snapshot], list[str]]:
        named = snapshot_meta(before)
        newer = {
            role: meta_file
            for role, meta_file in wanted.items()
            if role not in named or named[role].version < meta_file.version
        }
        meta = {f"{role}.json": meta_file for role, meta_file in (named | newer).items()}
        state = self.log.next_state(before, named, named | newer, head)
        expires = utc(self.now) + self._lifetime("snapshot")
        metadata = Metadata(Snapshot(version, expires=expires, meta=meta))
        metadata.signed.unrecognized_fields[LOG_FIELD] = state.to_field()
        data = self._signed("snapshot", metadata)
        info = self.bucket.create("snapshot", version, data, delegator=self.bucket.root)
        if info is None:
            raise ConflictError(f"{self.bucket.where('snapshot', version)} was there first")
        return StoredMetadata(metadata, data, info.etag), [info.key]

    def stands(self, head: Head, snapshot: StoredMetadata[Snapshot]) -> bool:
        """Tell whether the timestamp of ``head`` names ``snapshot`` and need not be renewed."""
        return (
            head.timestamp is not None
            and head.is_consistent
            and head.snapshot is snapshot
            and head.timestamp.metadata.signed.version >= self.bucket.seen.timestamp
            and self.bucket.is_fresh("timestamp", head.timestamp.metadata, self.now)
        )

    def swap_timestamp(self, snapshot: StoredMetadata[Snapshot], head: Head) -> list[str]:
        """Point the timestamp at ``snapshot``.

        Raises ConflictError where another has replaced ``head``'s, and ExpiredError if this
        machine's clock is behind by more than a timestamp is good for.

        Without a timestamp to go by the version starts at the snapshot's, or after that of one
        which no root vouches for: that comes nearest to what readers have seen.
        """
        if head.timestamp:
            version = head.timestamp.metadata.signed.version + 1
        else:
            version = next_free(head.last or 1, [head.claimed])
        version = max(version, self.bucket.seen.timestamp + 1)
        lifetime = self._lifetime("timestamp")
        expires = utc(self.now) + lifetime
        if head.timestamp and expires <= head.timestamp.metadata.signed.expires - lifetime:
            raise self._clock_behind(head.timestamp.metadata.signed.expires - lifetime)
        metadata = Metadata(Timestamp(version, expires=expires, snapshot_meta=snapshot.meta_file))
        state, checkpoint = self.log.publish_checkpoint(snapshot, head)
        metadata.signed.unrecognized_fields[LOG_FIELD] = state.to_field()
        data = self._signed("timestamp", metadata)
        return [checkpoint, self.bucket.swap("timestamp", data, head.etag).key]

    def _clock_behind(self, before: datetime) -> ExpiredError:
        """A timestamp that has expired by the clocks of readers must not replace a good one."""
        return ExpiredError(
            f"{self.bucket.where('timestamp')} was made on {before:%Y-%m-%d at %H:%M} UTC, and "
            f"this machine's clock says {utc(self.now):%Y-%m-%d at %H:%M}: what it signs would "
            "have expired",
            remedy="Nothing that readers see was changed. Set the clock, and push again. If the "
            "other publisher's clock was wrong, rotate the key of timestamp.",
        )

    def _lifetime(self, role: str) -> timedelta:
        return timedelta(days=expiry_days(self.bucket.root, role))

    def _signed(self, role: str, metadata: Metadata[Snapshot] | Metadata[Timestamp]) -> bytes:
        write_country_and_role(metadata.signed, self.bucket.country, role)
        self.signers.sign(self.bucket.root, role, metadata)
        for root in filter(None, (self.bucket.root, self.bucket.successor)):
            verify_signed_by(root, role, metadata, where=f"new {role}")
        return readable_json(metadata.to_dict())


def _covers(snapshot: StoredMetadata[Snapshot], wanted: Mapping[str, MetaFile]) -> bool:
    named = snapshot_meta(snapshot)
    return all(
        role in named and named[role].version >= meta_file.version
        for role, meta_file in wanted.items()
    )
