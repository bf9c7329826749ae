"""A country's metadata in the bucket, as a publisher sees it: read, verified, never taken on faith.

A publisher trusts the root in git. What its keys did not sign has no say: it is an earlier root's,
or a thief's. It is not another publisher's work, and makes way where its name is needed, unless the
bucket has a newer root, under which it may count after all. ADR 0003.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic

from pe_dvc.documents.keys import channel_prefix, metadata_key, metadata_version
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import (
    ConflictError,
    DigestMismatchError,
    FormatError,
    NotFoundError,
    VerificationError,
)
from pe_dvc.store.port import head_if_there
from pe_dvc.trust.binned import for_git, joined
from pe_dvc.trust.country_and_role import check_country_and_role
from pe_dvc.trust.roles import TAMPERED, max_length
from pe_dvc.trust.seen import NOTHING_SEEN, SeenVersions
from pe_dvc.trust.tuf_api import (
    LengthOrHashMismatchError,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    Targets,
    Timestamp,
)
from pe_dvc.trust.verify import Kind, expiry_days, parse, signatures

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pe_dvc.store.port import ObjectInfo, ReadableStore

log = logging.getLogger(__name__)

LEAP = 10_000
"""How far a version may lie above the one before: the name of a file further on means nothing."""


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
        self.seen: SeenVersions = NOTHING_SEEN
        """What new versions are above, though the bucket was emptied, or restored from a copy."""
        self.roots = roots
        self._kept: dict[str, tuple[bytes, ObjectInfo]] = {}
        """Files that others name, as they were read last, by key; not each version of a history."""
        self._vouched: dict[str, tuple[Root | Targets, StoredMetadata[Any]]] = {}
        """Of those the ones below targets that keys were seen to have signed, and whose keys."""

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

    def read(
        self,
        role: str,
        kind: type[Kind],
        version: int | None = None,
        named: MetaFile | None = None,
    ) -> StoredMetadata[Kind]:
        """Read metadata whose signatures are not checked. Raises NotFoundError, FormatError.

        That of a channel in bins has all its pointers, ``data`` is what lists the bins. Raises
        VerificationError for another country's or role's, and for a bin that is not there. What
        was read before is not asked for again if it is the file that is ``named``, by its sha256.
        """
        data, info = self._file(role, version, named)
        metadata = self._parsed(role, kind, data, version)
        return StoredMetadata(self._joined(metadata, role, version), data, info.etag)

    def look(
        self,
        delegator: Root | Targets,
        role: str,
        kind: type[Kind],
        version: int | None = None,
        named: MetaFile | None = None,
    ) -> tuple[StoredMetadata[Kind] | None, str | None]:
        """Return a file if the delegator's keys signed it as that version; and the object's etag.

        The first is None for whatever else is there, the second where there is no object. Raises
        VerificationError for a signed channel whose bins are not all there. ``named`` as in
        ``read``; such a file below targets is verified once and given to all who ask: not to alter.
        """
        try:
            data, info = self._file(role, version, named)
        except NotFoundError:
            return None, None
        except FormatError:  # too long to be read
            return None, self._etag(self.key(role, version))
        key = self.key(role, version)
        by, known = self._vouched.get(key, (None, None))
        if known is not None and by is delegator and known.data is data:
            return known, known.etag
        try:
            metadata = self._parsed(role, kind, data, version)
        except (FormatError, VerificationError):
            return None, info.etag
        is_right = version in (None, metadata.signed.version)
        if not (is_right and signatures(delegator, role, metadata)):
            return None, info.etag
        metadata = self._joined(metadata, role, version)
        held = StoredMetadata(metadata, data, info.etag)
        if named is not None and kind is Targets:
            self._vouched[key] = delegator, held
        return held, info.etag

    def signed(
        self,
        delegator: Root | Targets,
        role: str,
        kind: type[Kind],
        version: int,
        named: MetaFile | None = None,
    ) -> StoredMetadata[Kind] | None:
        """Return a version if the delegator's keys signed it, None for whatever else is there.

        ``named`` as in ``read``.
        """
        return self.look(delegator, role, kind, version, named)[0]

    def refuse_newer_root(self) -> bool:
        """Raise ConflictError if the bucket holds a next root that today's vouches for.

        Return whether something else is in its place.
        """
        newest = self.root.version
        held, etag = self.look(self.root, "root", Root, newest + 1)
        if held is not None:
            raise ConflictError(
                f"{self.where('root', newest + 1)} is newer than root version {newest} in git",
                remedy="Get the newer root (git pull), then push again.",
            )
        return etag is not None

    def timestamp(self) -> tuple[StoredMetadata[Timestamp] | None, str | None]:
        """Return the timestamp, None if today's root does not vouch for it, and its etag.

        Raises ConflictError if that is because the bucket holds a newer root.
        """
        held, etag = self.look(self.root, "timestamp", Timestamp)
        if held is None and etag is not None:
            self.refuse_newer_root()
            log.info("%s is not signed by today's keys", self.where("timestamp"))
        return held, etag

    def snapshot(
        self, version: int, named: MetaFile | None = None
    ) -> StoredMetadata[Snapshot] | None:
        """Return a snapshot, None if today's root does not vouch for it, or if it was altered.

        ``named`` is what the timestamp says of it, None for one that no timestamp names yet.
        """
        held = self.signed(self.root, "snapshot", Snapshot, version, named)
        if held is None or named is None:
            return held
        what, where = f"snapshot version {version}", self.where("snapshot", version)
        try:
            held.check(named, what=what, named_by="timestamp", where=where)
        except DigestMismatchError as error:
            log.warning("%s", error.message)
            return None
        return held

    def files(self) -> dict[tuple[str, int], ObjectInfo]:
        """Return what is named as a version of a role, by listing. Anyone may have made it."""
        listed = self.store.list(channel_prefix(self.country))
        found = {metadata_version(info.key): info for info in listed}
        return {name: info for name, info in found.items() if name is not None}

    def versions(self, role: str) -> list[int]:
        """Return every version that an object is named after, in order, by listing the bucket."""
        return versions_of(self.files(), role)

    def is_fresh(self, role: str, metadata: Metadata[Kind], now: datetime) -> bool:
        """Return whether at least half of a role's days are left: the rest is for its renewal.

        What a root that is about to come does not vouch for has no days left.
        """
        if self.successor is not None and not signatures(self.successor, role, metadata):
            return False
        half = timedelta(days=expiry_days(self.root, role)) / 2
        return metadata.signed.expires - now >= half

    def _file(
        self, role: str, version: int | None, named: MetaFile | None
    ) -> tuple[bytes, ObjectInfo]:
        key = self.key(role, version)
        kept = self._kept.get(key)
        if kept is None or named is None or not _is(named, kept[0]):
            kept = self.store.read(key, limit=max_length(role))
            if named is not None:
                self._kept[key] = kept
        return kept

    def _parsed(
        self, role: str, kind: type[Kind], data: bytes, version: int | None
    ) -> Metadata[Kind]:
        where = self.where(role, version)
        metadata = parse(kind, data, where=where)
        check_country_and_role(metadata.signed.unrecognized_fields, self.country, role, where=where)
        return metadata

    def _joined(self, metadata: Metadata[Kind], role: str, version: int | None) -> Metadata[Kind]:
        if isinstance(metadata.signed, Targets):
            where = self.where(role, version)
            metadata.signed = joined(metadata.signed, self.store, self.country, where=where)
        return metadata

    def _etag(self, key: str) -> str | None:
        info = head_if_there(self.store, key)
        return None if info is None else info.etag


def _is(named: MetaFile, data: bytes) -> bool:
    return (named.hashes or {}).get("sha256") == sha256_bytes(data)


def versions_of(files: Iterable[tuple[str, int]], role: str) -> list[int]:
    """Return the versions of a role among names of files, in order."""
    return sorted(version for name, version in files if name == role)


def next_free(at_least: int, taken: Iterable[int]) -> int:
    """Return the first version from ``at_least`` on that is above those that are ``taken``.

    What lies more than a ``LEAP`` above the one before it is no publisher's, and would make
    all later ones absurd.
    """
    last = at_least - 1
    for version in sorted(taken):
        if version - last > LEAP:
            break
        last = max(last, version)
    return last + 1
