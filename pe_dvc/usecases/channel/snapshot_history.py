"""Which versions of a role readers ever saw: those that some snapshot names.

A version that no snapshot names promises nothing: its push was refused or killed, or a later
version was published with it.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.primitives.pools import Pool
from pe_dvc.trust.stored_metadata import SnapshotMeta, snapshot_meta
from pe_dvc.trust.tuf_api import Snapshot
from pe_dvc.trust.verify import signatures

if TYPE_CHECKING:
    from pe_dvc.trust.bucket import ReadableChannels
    from pe_dvc.trust.stored_metadata import Head

_READS_AT_ONCE = 16


class SnapshotHistory:
    """What the snapshots of a bucket named; read when first asked. ``head`` is where it stands."""

    def __init__(self, bucket: ReadableChannels, head: Head) -> None:
        self._bucket, self._head = bucket, head

    def never(self, role: str, version: int) -> bool:
        """Return whether readers were never shown a version; False where that cannot be told.

        That is without a snapshot today, or where one up to it was removed, or is not signed by
        the keys of any root. Raises StoreError.
        """
        if self._named is None:
            return False
        return (role, version) not in self._named

    @cached_property
    def _named(self) -> set[tuple[str, int]] | None:
        if self._head.snapshot is None:
            return None
        numbers = self._bucket.versions("snapshot")
        with Pool(_READS_AT_ONCE) as pool:
            named = dict(zip(numbers, pool.map(self._names, numbers), strict=True))
        needed = range(1, self._head.snapshot.metadata.signed.version + 1)
        if any(named.get(number) is None for number in needed):
            return None
        metas = [meta for meta in named.values() if meta is not None]
        return {(role, file.version) for meta in metas for role, file in meta.items()}

    def _names(self, number: int) -> SnapshotMeta | None:
        """Return what a snapshot names, None if no root ever vouched for it."""
        try:
            held = self._bucket.read("snapshot", Snapshot, number)
        except (NotFoundError, FormatError, VerificationError):
            return None
        vouched = any(signatures(root, "snapshot", held.metadata) for root in self._bucket.roots)
        return snapshot_meta(held) if vouched else None
