"""A country's metadata in the bucket, as a publisher sees it: read, verified, never taken on faith.

A publisher trusts the root in git. What its keys did not sign has no say: it is an earlier root's,
or a thief's. It is not another publisher's work, and makes way where its name is needed, unless the
bucket has a newer root, under which it may count after all. ADR 0003.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.keys import channel_prefix, metadata_key, metadata_version
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import (
    ConflictError,
    DigestMismatchError,
    FormatError,
    NotFoundError,
    PeDvcError,
    VerificationError,
)
from pe_dvc.store.port import head_if_there
from pe_dvc.trust.binned import joined
from pe_dvc.trust.country_and_role import check_country_and_role
from pe_dvc.trust.roles import max_length
from pe_dvc.trust.seen import NOTHING_SEEN, SeenVersions
from pe_dvc.trust.stored_metadata import StoredMetadata
from pe_dvc.trust.tuf_api import (
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    Targets,
    Timestamp,
)
from pe_dvc.trust.verify import Kind, expiry_days, parse, signatures
from pe_dvc.trust.version_numbers import versions_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pe_dvc.store.port import ObjectInfo, ReadableStore
    from pe_dvc.trust.stored_metadata import Head

log = logging.getLogger(__name__)


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
        self.head: Head | None = None
        """Where it stood when that was asked last (``trust.bucket_head``)."""
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

    def read(self, role: str, kind: type[Kind], version: int | None = None) -> StoredMetadata[Kind]:
        """Read metadata whose signatures are not checked. Raises NotFoundError, FormatError.

        That of a channel in bins has all its pointers, ``data`` is what lists the bins. Raises
        VerificationError for another country's or role's, and for a bin that is not there.
        """
        return self._read(role, kind, version, None)

    def read_named(self, role: str, named: MetaFile) -> StoredMetadata[Targets]:
        """Read the version of a role that a snapshot names; its signatures are not checked.

        A file that was read before is not asked for again if it has the sha256 that is named.
        Raises as ``read``, and DigestMismatchError for a file other than the named one.
        """
        held = self._read(role, Targets, named.version, named)
        self._check_named(held, role, named)
        return held

    def signed_named(
        self, delegator: Root | Targets, role: str, named: MetaFile
    ) -> StoredMetadata[Targets] | None:
        """As ``read_named``; None for what the delegator's keys did not sign as that version."""
        held = self.signed(delegator, role, Targets, named.version, named)
        if held is not None:
            self._check_named(held, role, named)
        return held

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
        VerificationError for a signed channel whose bins are not all there. A file that was read
        before is not asked for again if it has the sha256 of ``named``; below targets it is also
        verified once and given to all who ask, who must not alter it.
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

        ``named`` spares a request, as in ``look``; whether the file is that one is not checked.
        """
        return self.look(delegator, role, kind, version, named)[0]

    def readers_ahead(self, likely: Iterable[tuple[str, int]]) -> list[Callable[[], None]]:
        """Return what reads versions of roles that are ``likely`` to be named soon.

        They count for nothing until something names them, by their sha256. What cannot be read is
        asked for once more then, and says why.
        """
        keys = {self.key(role, version): role for role, version in likely if version}
        return [partial(self._read_ahead, *one) for one in keys.items() if one[0] not in self._kept]

    def _read_ahead(self, key: str, role: str) -> None:
        with suppress(PeDvcError):
            self._kept[key] = self.store.read(key, limit=max_length(role))

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

    def _read(
        self, role: str, kind: type[Kind], version: int | None, named: MetaFile | None
    ) -> StoredMetadata[Kind]:
        data, info = self._file(role, version, named)
        metadata = self._parsed(role, kind, data, version)
        return StoredMetadata(self._joined(metadata, role, version), data, info.etag)

    def _check_named(self, held: StoredMetadata[Targets], role: str, named: MetaFile) -> None:
        what, where = f"{role} version {named.version}", self.where(role, named.version)
        held.check(named, what=what, named_by="snapshot", where=where)

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
