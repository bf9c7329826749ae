"""Where a country's bucket stands: its timestamp and the snapshot that it names, verified.

TUF specification 5.4 and 5.5.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.primitives.pools import Pool
from pe_dvc.trust.tuf_api import MetaFile, Snapshot, Timestamp
from pe_dvc.trust.version_numbers import next_free, versions_of

if TYPE_CHECKING:
    from pe_dvc.store.port import ObjectInfo
    from pe_dvc.trust.bucket import ReadableChannels
    from pe_dvc.trust.stored_metadata import StoredMetadata

SnapshotMeta = dict[str, MetaFile]
"""For each role that a snapshot lists: version, length and sha256 of its file."""

LARGEST = 65_536
"""Bytes beyond which no snapshot is looked at that no timestamp names: ours have 2,000."""

SEARCHED, READS_AT_ONCE = 512, 16
"""How many snapshots are looked at, newest first, where there is no timestamp to go by."""


@dataclass(frozen=True)
class Head:
    """Where the bucket stands.

    ``snapshot`` and ``timestamp`` are None where today's root vouches for none; ``last`` is the
    highest snapshot version known to be taken. ``files`` is the listing of the bucket where one of
    them is None, and empty otherwise. ``claimed`` is the version of a timestamp that no root
    vouches for.
    """

    timestamp: StoredMetadata[Timestamp] | None
    etag: str | None
    snapshot: StoredMetadata[Snapshot] | None
    last: int
    files: dict[tuple[str, int], ObjectInfo] = field(default_factory=dict)
    claimed: int = 0

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
        files = bucket.files()
        snapshot = _newest_snapshot(bucket, files)
        known = snapshot.metadata.signed.version if snapshot else 0
        last = next_free(known + 1, versions_of(files, "snapshot")) - 1
        last = max(last, bucket.seen.snapshot)
        return Head(None, etag, snapshot, last, files, _claimed(bucket))
    named = timestamp.metadata.signed.snapshot_meta
    snapshot = bucket.snapshot(named.version, named)
    last = max(named.version, bucket.seen.snapshot)
    return Head(timestamp, etag, snapshot, last, {} if snapshot else bucket.files())


def _newest_snapshot(
    bucket: ReadableChannels, files: dict[tuple[str, int], ObjectInfo]
) -> StoredMetadata[Snapshot] | None:
    """Return the newest snapshot that today's keys signed. There may be many others."""
    small = [name for name, info in files.items() if info.size <= LARGEST]
    newest_first = versions_of(small, "snapshot")[::-1][:SEARCHED]
    with Pool(READS_AT_ONCE) as pool:
        for start in range(0, len(newest_first), READS_AT_ONCE):
            some = newest_first[start : start + READS_AT_ONCE]
            for snapshot in pool.map(bucket.snapshot, some):
                if snapshot is not None:
                    return snapshot
    return None


def _claimed(bucket: ReadableChannels) -> int:
    try:
        return bucket.read("timestamp", Timestamp).metadata.signed.version
    except (NotFoundError, FormatError, VerificationError):
        return 0
