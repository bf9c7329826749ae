"""A country's metadata in the bucket, as a publisher sees it: read, verified, never taken on faith.

A publisher trusts the root in git. What an earlier root's keys signed was once right, and has no
say any more: after a key was rotated because it was stolen, versions start again from git.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Generic

from pe_dvc.documents.keys import channel_prefix, metadata_key, metadata_version
from pe_dvc.primitives.errors import DigestMismatchError, NotFoundError, SignatureError
from pe_dvc.trust.meant_for import check_fields
from pe_dvc.trust.roles import max_length
from pe_dvc.trust.tuf_api import (
    LengthOrHashMismatchError,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    Timestamp,
)
from pe_dvc.trust.verify import TAMPERED, Kind, expiry_days, parse, signatures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.store.port import ReadableStore, Store


@dataclass(frozen=True)
class StoredMetadata(Generic[Kind]):
    """Metadata that the bucket holds, with the bytes and the etag of its object."""

    metadata: Metadata[Kind]
    data: bytes
    etag: str

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


class ReadableChannels:
    """Reads a country's metadata; ``roots`` is git's verified chain, oldest first.

    ``successor`` is a root about to be published, which must vouch for what is there as well.
    """

    def __init__(
        self,
        store: ReadableStore,
        country: str,
        roots: Sequence[Root],
        successor: Root | None = None,
    ) -> None:
        self.store: ReadableStore = store
        self.country, self.successor = country, successor
        self.roots = roots

    @property
    def root(self) -> Root:
        """Today's root."""
        return self.roots[-1]

    def key(self, role: str, version: int | None = None) -> str:
        """Return the key of a role's metadata."""
        return metadata_key(self.country, role, version)

    def where(self, role: str, version: int | None = None) -> str:
        """Return the address of a role's metadata, for messages."""
        return f"{self.store.url}/{self.key(role, version)}"

    def read(self, role: str, kind: type[Kind], version: int | None = None) -> StoredMetadata[Kind]:
        """Read metadata whose signatures are not checked. Raises NotFoundError, FormatError.

        Raises VerificationError for another country's or role's.
        """
        data, info = self.store.read(self.key(role, version), limit=max_length(role))
        where = self.where(role, version)
        metadata = parse(kind, data, where=where)
        check_fields(metadata.signed.unrecognized_fields, self.country, role, where=where)
        return StoredMetadata(metadata, data, info.etag)

    def has(self, role: str, version: int) -> bool:
        """Return whether a version of a role was ever written."""
        try:
            self.store.head(self.key(role, version))
        except NotFoundError:
            return False
        return True

    def timestamp(self) -> tuple[StoredMetadata[Timestamp] | None, str | None]:
        """Return the timestamp, None if today's root does not vouch for it, and its etag.

        Raises SignatureError if no root ever did.
        """
        try:
            held = self.read("timestamp", Timestamp)
        except NotFoundError:
            return None, None
        trusted = self._is_todays("timestamp", held.metadata, self.where("timestamp"))
        return (held if trusted else None), held.etag

    def snapshot(
        self, version: int, named: MetaFile | None = None
    ) -> StoredMetadata[Snapshot] | None:
        """Return a snapshot, None if today's root does not vouch for it.

        ``named`` is what the timestamp says of it, None for one that no timestamp names yet.
        Raises NotFoundError, and VerificationError if it is not what was signed.
        """
        held = self.read("snapshot", Snapshot, version)
        where = self.where("snapshot", version)
        if named is not None:
            what = f"snapshot version {version}"
            held.check(named, what=what, named_by="timestamp", where=where)
        return held if self._is_todays("snapshot", held.metadata, where) else None

    def newest_snapshot_version(self) -> int:
        """Return the highest version of a snapshot that was ever written, 0 for none.

        Lists the bucket: for a start without a timestamp to go by.
        """
        return max(self.versions("snapshot"), default=0)

    def versions(self, role: str) -> list[int]:
        """Return every version of a role that was ever written, in order, by listing the bucket."""
        listed = self.store.list(channel_prefix(self.country))
        found = (metadata_version(info.key) for info in listed)
        return sorted(one[1] for one in found if one is not None and one[0] == role)

    def is_fresh(self, role: str, metadata: Metadata[Kind], now: datetime) -> bool:
        """Return whether at least half of a role's days are left: the rest is for its renewal.

        What a root that is about to come does not vouch for has no days left.
        """
        if self.successor is not None and not signatures(self.successor, role, metadata):
            return False
        half = timedelta(days=expiry_days(self.root, role)) / 2
        return metadata.signed.expires - now >= half

    def _is_todays(self, role: str, metadata: Metadata[Kind], where: str) -> bool:
        if signatures(self.root, role, metadata):
            return True
        if any(signatures(root, role, metadata) for root in self.roots[:-1]):
            return False
        raise SignatureError(
            f"{where}: {role} version {metadata.signed.version} does not have the signatures "
            f"that any root of {self.country} asks for",
            remedy=f"{TAMPERED} Restore the object from the bucket's history, or remove it, and "
            "push again.",
        )


class ChannelBucket(ReadableChannels):
    """A country's metadata in a store that can be published to."""

    store: Store

    def __init__(
        self, store: Store, country: str, roots: Sequence[Root], successor: Root | None = None
    ) -> None:
        super().__init__(store, country, roots, successor)
