"""Which tree of a channel's log a new snapshot continues, where the one before does not say.

It was published by an older pe_dvc, its keys count no more, or it is lost. A log is only ever
continued: what readers have seen of it must be the beginning of what they see next. ADR 0039.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pe_dvc.documents.channel_log import Leaf
from pe_dvc.documents.keys import log_prefix
from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.primitives.pools import generator_pool
from pe_dvc.trust.bucket_head import LARGEST, READS_AT_ONCE
from pe_dvc.trust.channel_log import signed_state
from pe_dvc.trust.log_chain import all_entries
from pe_dvc.trust.roles import TARGETS_LIKE
from pe_dvc.trust.tuf_api import Snapshot
from pe_dvc.trust.verify import signatures
from pe_dvc.trust.version_numbers import versions_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.documents.channel_log import LogState
    from pe_dvc.trust.bucket import ReadableChannels
    from pe_dvc.trust.channel_log import StoredLog
    from pe_dvc.trust.stored_metadata import Head, SnapshotMeta, StoredMetadata

log = logging.getLogger(__name__)

LOOKED_BACK = 16
"""How many snapshots are looked at for a log of which the bucket has no object at all."""


@dataclass(frozen=True)
class Base:
    """The tree to continue, None for a first one; ``version`` is that of the snapshot it is of.

    ``named`` holds for each role its newest version in the tree, and the sha256 of that.
    """

    version: int = 0
    state: LogState | None = None
    named: dict[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def after(self) -> int:
        """What the next snapshot says that it continues: the newest that added an entry."""
        if self.state is not None and not self.state.entries and self.state.after is not None:
            return self.state.after
        return self.version


def base_in(snapshot: StoredMetadata[Snapshot], state: LogState, meta: SnapshotMeta) -> Base:
    """Return the tree of a snapshot that today's keys signed."""
    named = {
        role: (meta_file.version, (meta_file.hashes or {}).get("sha256", ""))
        for role, meta_file in meta.items()
        if role in state.index
    }
    return Base(snapshot.metadata.signed.version, state, named)


def find_base(
    bucket: ReadableChannels, stored: StoredLog, before: StoredMetadata[Snapshot] | None, head: Head
) -> Base:
    """Return the newest tree that any of the roots vouches for, and that can be verified.

    ``before`` is the snapshot before, where today's keys signed it, which says nothing of the log.
    What the timestamp says, if they signed it, is never fallen short of. Raises VerificationError
    where that is lost; StoreError.
    """
    shown = _of(stored, signed_state(bucket, "timestamp", head.timestamp))
    for version, state in _newest_first(bucket, stored, before, head):
        if shown is not None and state.size < shown.size:
            break
        try:
            entries = all_entries(bucket, stored, state)
            if shown is not None:
                stored.check_grown(shown, state)
        except (NotFoundError, FormatError, VerificationError) as error:
            log.warning("%s is not continued: %s", bucket.where("snapshot", version), error)
            continue
        return _scanned(version, state, entries)
    if shown is None:
        return Base()
    # The snapshot is lost, the tiles may be there.
    assert head.timestamp is not None
    version = head.timestamp.metadata.signed.snapshot_meta.version
    whole = replace(shown, after=version, cosignatures=())
    return _scanned(version, whole, all_entries(bucket, stored, whole))


def _newest_first(
    bucket: ReadableChannels,
    stored: StoredLog,
    before: StoredMetadata[Snapshot] | None,
    head: Head,
) -> Iterator[tuple[int, LogState]]:
    files = head.files or bucket.files()
    small = [name for name, info in files.items() if info.size <= LARGEST]
    known = versions_of(small, "snapshot")[::-1]
    if before is not None:
        known = [version for version in known if version < before.metadata.signed.version]
        prefix = log_prefix(bucket.country, stored.number)
        if known and next(iter(bucket.store.list(prefix)), None) is None:
            known = known[:LOOKED_BACK]
    with generator_pool(READS_AT_ONCE) as pool:
        for start in range(0, len(known), READS_AT_ONCE):
            some = known[start : start + READS_AT_ONCE]
            states = pool.map(lambda version: _vouched(bucket, stored, version), some)
            for version, state in zip(some, states, strict=True):
                if state is not None:
                    yield version, state


def _vouched(bucket: ReadableChannels, stored: StoredLog, version: int) -> LogState | None:
    """Return what a snapshot says of the log, if a root of the chain vouches for it."""
    try:
        held = bucket.read("snapshot", Snapshot, version)
        if held.metadata.signed.version != version:
            return None
        if not any(signatures(root, "snapshot", held.metadata) for root in bucket.roots):
            return None
        state = _of(stored, signed_state(bucket, "snapshot", held))
    except (NotFoundError, FormatError, VerificationError):
        return None
    return None if state is None or state.after is None else state


def _of(stored: StoredLog, state: LogState | None) -> LogState | None:
    """Return what is said of that log, None for what is said of another one."""
    return state if state is not None and state.number == stored.number else None


def _scanned(version: int, state: LogState, entries: list[bytes]) -> Base:
    """Return a tree with what its entries say, whatever its snapshot said of them."""
    named: dict[str, tuple[int, str]] = {}
    index, roots = dict[str, int](), 0
    for position, data in enumerate(entries):
        leaf = Leaf.parse(data, where=f"entry {position} of the log")
        if leaf.role in TARGETS_LIKE:
            named[leaf.role], index[leaf.role] = (leaf.version, leaf.sha256), position
        elif leaf.role == "root":
            roots = max(roots, leaf.version)
    return Base(version, replace(state, index=index, roots=roots), named)
