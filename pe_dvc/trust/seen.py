"""A publication as someone saw it: the signed timestamp and its snapshot, kept for new readers.

TUF measures a rollback by what a client has verified before, and a new one has verified nothing.
So these two travel with a clone and with a pinned root. Both are signed: who carries them can
leave them out, and can neither raise nor forge them. ADR 0025.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from pe_dvc.primitives.canonical import readable_json
from pe_dvc.primitives.errors import (
    DigestMismatchError,
    FormatError,
    NotFoundError,
    VerificationError,
)
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.trust.bucket_identity import place_name, short_id
from pe_dvc.trust.country_and_role import check_country_and_role
from pe_dvc.trust.roles import MAX_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from pe_dvc.trust.tuf_api import Metadata, Root, Snapshot, Timestamp

FOLDER = "seen"
"""Directory of these documents beside a country's signed metadata, or beside a root.json."""

RELEASE_FIELD = "published"
"""Name of such a document in ``build.metadata`` of a release manifest."""

LIMIT = 2 * (MAX_LENGTH["timestamp"] + MAX_LENGTH["snapshot"])
"""Bytes beyond which no such document is read."""

MOST = 8
"""How many of the files of a directory are looked at, the highest versions first."""

_NAME = r"([1-9][0-9]{0,17})-[0-9a-f]{8}\.json"


class SeenVersions(NamedTuple):
    """The versions of timestamp and snapshot that someone saw published; 0 for none."""

    timestamp: int = 0
    snapshot: int = 0


NOTHING_SEEN = SeenVersions()


@dataclass(frozen=True, kw_only=True)
class SeenPublication:
    """The timestamp and the snapshot of a publication, as they were read back from the bucket.

    ``stores`` names the bucket and its mirrors (``place_name``), the bucket first: for readers of
    others it says nothing. Nothing is verified yet.
    """

    country: str
    stores: tuple[str, ...]
    timestamp: bytes
    snapshot: bytes

    @classmethod
    def from_bytes(cls, data: bytes, *, where: str) -> SeenPublication:
        """Read such a document; its signatures are not checked. Raises FormatError."""
        document = read_json(data, what="a seen publication", where=where, fractions=False)
        try:
            country, stores = document["country"], document["stores"]
            timestamp, snapshot = document["timestamp"], document["snapshot"]
        except (KeyError, TypeError):
            raise FormatError(
                "expected an object of country, stores, timestamp and snapshot", where=where
            ) from None
        if not isinstance(stores, list) or not all(isinstance(one, str) for one in stores):
            raise FormatError("expected stores as a list of texts", where=where)
        seen = cls(
            country=country,
            stores=tuple(stores),
            timestamp=readable_json(timestamp),
            snapshot=readable_json(snapshot),
        )
        _ = seen.versions  # raises
        return seen

    @classmethod
    def of_release(cls, data: bytes, *, where: str) -> SeenPublication:
        """Read what a release manifest carries of it. Raises FormatError if it carries nothing."""
        document = read_json(data, what="a release manifest", where=where)
        try:
            found = document["build"]["metadata"][RELEASE_FIELD]
        except (KeyError, TypeError):
            raise FormatError(
                "says nothing of what was published: its tag has no file in "
                f"channels/COUNTRY/{FOLDER}/, or an older pe_dvc made it",
                where=where,
                remedy="Give such a file of the country's data repo, or a later release.",
            ) from None
        return cls.from_bytes(readable_json(found), where=where)

    def to_json(self) -> dict[str, Any]:
        """Return the document as plain JSON values."""
        parts: dict[str, Any] = {
            role: read_json(getattr(self, role), what=role) for role in ("timestamp", "snapshot")
        }
        return {"country": self.country, "stores": list(self.stores), **parts}

    def to_bytes(self) -> bytes:
        """Return the document; the same bytes come back of what it holds."""
        return readable_json(self.to_json())

    def for_pages(self) -> bytes:
        """Return it as pages of a site bring it: the texts of both files, as they were signed."""
        texts = {"timestamp": self.timestamp.decode(), "snapshot": self.snapshot.decode()}
        return readable_json(texts)

    @property
    def versions(self) -> SeenVersions:
        """The versions of timestamp and snapshot. Raises FormatError."""
        return SeenVersions(_version(self.timestamp), _version(self.snapshot))

    @property
    def expires(self) -> datetime:
        """When its timestamp expires: of two stores' the later one was published later."""
        return self._parsed[0].signed.expires

    @property
    def recency(self) -> tuple[datetime, SeenVersions]:
        """What is greater of a later publication. Raises FormatError."""
        return self.expires, self.versions

    @property
    def file_name(self) -> str:
        """Name of its file: no two publications have one, so that branches merge."""
        return f"{self.versions.timestamp}-{short_id(self.stores[0])[:8]}.json"

    def is_of(self, country: str, urls: Iterable[str]) -> bool:
        """Tell whether it says something of what these stores show of a country."""
        return self.country == country and any(place_name(url) in self.stores for url in urls)

    def check(self, root: Root, *, where: str) -> None:
        """Raise VerificationError unless ``root``'s keys signed both, and they fit each other."""
        from pe_dvc.trust.tuf_api import LengthOrHashMismatchError
        from pe_dvc.trust.verify import verify_signed_by

        timestamp, snapshot = self._parsed
        for role, metadata in (("timestamp", timestamp), ("snapshot", snapshot)):
            verify_signed_by(root, role, metadata, where=where)
            check_country_and_role(
                metadata.signed.unrecognized_fields, self.country, role, where=where
            )
        named = timestamp.signed.snapshot_meta
        try:
            named.verify_length_and_hashes(self.snapshot)
        except LengthOrHashMismatchError as error:
            raise DigestMismatchError(
                what="snapshot",
                expected="what the timestamp beside it says",
                actual=str(error),
                source=where,
            ) from error
        if named.version != snapshot.signed.version:
            raise VerificationError(f"{where}: the timestamp names another version of snapshot")

    def is_signed_by(self, root: Root, *, where: str) -> bool:
        """Tell whether it verifies by ``root``. Its expiry does not matter: it was current once."""
        try:
            self.check(root, where=where)
        except (FormatError, VerificationError):
            return False
        return True

    @cached_property
    def _parsed(self) -> tuple[Metadata[Timestamp], Metadata[Snapshot]]:
        from pe_dvc.trust import tuf_api
        from pe_dvc.trust.verify import parse

        where = "a seen publication"
        return (
            parse(tuf_api.Timestamp, self.timestamp, where=where),
            parse(tuf_api.Snapshot, self.snapshot, where=where),
        )


class SeenFile(NamedTuple):
    """A file with such a document, which ``read`` returns, and the version that it claims."""

    version: int
    place: str
    read: Callable[[], bytes]

    def publication(self) -> SeenPublication:
        """Read it. Raises FormatError."""
        try:
            return SeenPublication.from_bytes(self.read(), where=self.place)
        except NotFoundError as error:
            raise FormatError(error.message, where=self.place) from None
        except OSError as error:
            raise FormatError(f"cannot be read: {error.strerror}", where=self.place) from None


def _version(metadata: bytes) -> int:
    """Return the version that metadata claims. Raises FormatError."""
    where = "a seen publication"
    try:
        version = read_json(metadata, what="TUF metadata", where=where)["signed"]["version"]
    except (KeyError, TypeError):
        version = None
    if type(version) is not int or version < 1:
        raise FormatError("not TUF metadata: it has no version", where=where)
    return version


def version_of(name: str) -> int | None:
    """Return the version that a file's name claims, None for another file."""
    found = re.fullmatch(_NAME, name)
    return int(found[1]) if found else None


def newest_signed(files: Iterable[SeenFile], root: Root, country: str) -> SeenPublication | None:
    """Return the publication, to whichever store, that was last and that ``root`` vouches for."""
    found = []
    for file in files:
        with suppress(FormatError):
            seen = file.publication()
            if seen.country == country and seen.is_signed_by(root, where=file.place):
                found.append(seen)
    return max(found, key=lambda seen: seen.recency, default=None)


def highest_signed(
    files: Iterable[SeenFile], root: Root, country: str, url: str
) -> SeenPublication | None:
    """Return the newest publication to the store at ``url`` that today's root vouches for."""
    for file in sorted(files, key=lambda one: -one.version):
        try:
            seen = file.publication()
        except FormatError:
            continue
        if seen.is_of(country, [url]) and seen.is_signed_by(root, where=file.place):
            return seen
    return None
