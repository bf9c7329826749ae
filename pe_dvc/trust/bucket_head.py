"""Where a country's bucket stands: its timestamp and the snapshot that it names, verified.

TUF specification 5.4 and 5.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.trust.tuf_api import MetaFile, Snapshot, Timestamp

if TYPE_CHECKING:
    from pe_dvc.trust.bucket import ReadableChannels, StoredMetadata

SnapshotMeta = dict[str, MetaFile]
"""For each role that a snapshot lists: version, length and sha256 of its file."""


@dataclass(frozen=True)
class Head:
    """Where the bucket stands. ``snapshot`` and ``timestamp`` are None where today's root
    vouches for none; ``last`` is the highest snapshot version known to be taken."""

    timestamp: StoredMetadata[Timestamp] | None
    etag: str | None
    snapshot: StoredMetadata[Snapshot] | None
    last: int

    @property
    def meta(self) -> SnapshotMeta:
        """What the snapshot says of each role."""
        return snapshot_meta(self.snapshot)

    @property
    def versions(self) -> dict[str, int]:
        """The version of each role that the snapshot lists."""
        return {role: meta_file.version for role, meta_file in self.meta.items()}

    @property
    def is_consistent(self) -> bool:
        """Whether the timestamp names this snapshot."""
        named = self.timestamp.metadata.signed.snapshot_meta.version if self.timestamp else 0
        return self.snapshot is not None and self.snapshot.metadata.signed.version == named


def snapshot_meta(snapshot: StoredMetadata[Snapshot] | None) -> SnapshotMeta:
    """Return what a snapshot says of each role; nothing for none."""
    meta = snapshot.metadata.signed.meta if snapshot else {}
    return {name.removesuffix(".json"): meta_file for name, meta_file in meta.items()}


def read_head(bucket: ReadableChannels) -> Head:
    """Return where the bucket stands, verified. Raises VerificationError, StoreError."""
    timestamp, etag = bucket.timestamp()
    if timestamp is None:
        last = bucket.newest_snapshot_version()
        snapshot = bucket.snapshot(last) if last else None
        return Head(None, etag, snapshot, last)
    named = timestamp.metadata.signed.snapshot_meta
    return Head(timestamp, etag, bucket.snapshot(named.version, named), named.version)
