"""Metadata as a bucket holds it, and where the bucket stands by it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic

from pe_dvc.primitives.errors import DigestMismatchError
from pe_dvc.trust.binned import for_git
from pe_dvc.trust.roles import TAMPERED
from pe_dvc.trust.tuf_api import LengthOrHashMismatchError, Metadata, MetaFile, Snapshot, Timestamp
from pe_dvc.trust.verify import Kind

if TYPE_CHECKING:
    from pe_dvc.store.port import ObjectInfo

SnapshotMeta = dict[str, MetaFile]
"""For each role that a snapshot lists: version, length and sha256 of its file."""


@dataclass(frozen=True)
class StoredMetadata(Generic[Kind]):
    """Metadata that the bucket holds, with the bytes and the etag of its object."""

    metadata: Metadata[Kind]
    data: bytes
    etag: str

    @property
    def for_git(self) -> bytes:
        """The file that git has of it: with all pointers of a channel in bins."""
        return for_git(self.metadata, self.data)

    @property
    def meta_file(self) -> MetaFile:
        """What the role above says of this file: version, length and sha256 (TUF 4.4)."""
        return MetaFile.from_data(self.metadata.signed.version, self.data, ["sha256"])

    def check(self, meta_file: MetaFile, *, what: str, named_by: str, where: str) -> None:
        """Raise DigestMismatchError unless these are the bytes that the role above names."""
        try:
            meta_file.verify_length_and_hashes(self.data)
        except LengthOrHashMismatchError as error:
            raise DigestMismatchError(
                what=what,
                expected=f"what the {named_by} says",
                actual=str(error),
                source=where,
                remedy=TAMPERED,
            ) from error


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
