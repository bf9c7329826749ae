"""Where a country's bucket stands: its timestamp and the snapshot that it names, verified.

TUF specification 5.4 and 5.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.primitives.pools import Pool
from pe_dvc.store.together import together
from pe_dvc.trust.stored_metadata import Head
from pe_dvc.trust.tuf_api import Snapshot, Timestamp
from pe_dvc.trust.version_numbers import next_free, versions_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pe_dvc.store.port import ObjectInfo
    from pe_dvc.trust.bucket import ReadableChannels
    from pe_dvc.trust.stored_metadata import StoredMetadata

LARGEST = 65_536
"""Bytes beyond which no snapshot is looked at that no timestamp names: ours have 2,000."""

SEARCHED, READS_AT_ONCE = 512, 16
"""How many snapshots are looked at, newest first, where there is no timestamp to go by."""


def read_head(bucket: ReadableChannels, *, ahead: Iterable[tuple[str, int]] = ()) -> Head:
    """Return where the bucket stands, verified. Raises VerificationError, StoreError.

    ``ahead`` are versions of roles that are likely to be named: they are asked for meanwhile.
    """
    guesses = bucket.readers_ahead(ahead)
    timestamp, etag = together(bucket.store, bucket.timestamp, *guesses)[0]
    bucket.head = _head_of(bucket, timestamp, etag)
    return bucket.head


def _head_of(
    bucket: ReadableChannels, timestamp: StoredMetadata[Timestamp] | None, etag: str | None
) -> Head:
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
