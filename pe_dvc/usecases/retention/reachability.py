"""What git and the bucket can still ask for: the hashes that must be kept.

Read with a wide net. A hash is kept wherever it stands in a file that may name data, parsed or
not: a broken dvc.lock, one with the marks of a conflict, one of an older DVC keep what they name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.dvc_files import records_hashes
from pe_dvc.documents.dvc_hash import listing_hash
from pe_dvc.documents.dvc_listing import parse_listing
from pe_dvc.documents.keys import (
    LISTING_LIMIT,
    MANIFEST_LIMIT,
    channel_prefix,
    country_prefix,
    metadata_version,
    parse_key,
    payload_key,
    releases_prefix,
)
from pe_dvc.documents.manifest import Manifest
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import VerificationError
from pe_dvc.primitives.pools import Pool
from pe_dvc.primitives.reference import CHANNELS
from pe_dvc.usecases.parallel import run_all
from pe_dvc.usecases.retention.channel_files import bins_in, targets_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from pe_dvc.documents.keys import Kind
    from pe_dvc.store.port import ObjectInfo, ReadableStore

REQUESTS = 16
_MD5 = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_SHA256 = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


@dataclass
class Reach:
    """Hashes to keep: DVC's md5, without the suffix of listings, and artifacts' sha256."""

    md5s: set[str] = field(default_factory=set)
    sha256s: set[str] = field(default_factory=set)

    def add(self, data: bytes) -> None:
        """Keep every hash that stands in ``data``."""
        self.md5s.update(match.decode() for match in _MD5.findall(data))
        self.sha256s.update(match.decode() for match in _SHA256.findall(data))


def names_data(file: str) -> bool:
    """Tell whether a file of that name may name data: DVC's files, manifests, channels."""
    return records_hashes(file) or file.endswith(".json")


def reach_of(files: Iterable[tuple[str, bytes]]) -> Reach:
    """Return the hashes in ``files``, each a name and its bytes."""
    reach = Reach()
    for _, data in files:
        reach.add(data)
    return reach


@dataclass(frozen=True)
class Bucket:
    """All of a country's objects, listed once, and what is read from them."""

    store: ReadableStore
    country: str
    objects: Mapping[str, ObjectInfo]
    channels: Mapping[str, ObjectInfo]
    foreign: Collection[str] = ()
    """Keys of channels' files that promise nothing: of a thief, or of anyone who can write."""

    @classmethod
    def read(cls, store: ReadableStore, country: str, foreign: Collection[str] = ()) -> Bucket:
        """List the objects of a country and of its channels."""
        return cls(
            store,
            country,
            {info.key: info for info in store.list(country_prefix(country))},
            {info.key: info for info in store.list(channel_prefix(country))},
            foreign,
        )

    def points_to_datasets(self, key: str) -> bool:
        """Tell whether a key is that of a version of a channel, whose targets are datasets."""
        found = metadata_version(key)
        return found is not None and found[0] in CHANNELS and key not in self.foreign

    def manifests(self) -> dict[str, list[tuple[Manifest, bytes]]]:
        """Return all manifests by their artifact's sha256, one for each dataset that it is.

        Raises FormatError for one that is none, VerificationError for one that lies under another
        artifact's key.
        """
        keys = self.keys_of("manifest")
        found: dict[str, list[tuple[Manifest, bytes]]] = {}
        for (sha256, _), one in zip(keys, self._read_all(keys, self._manifest), strict=True):
            found.setdefault(sha256, []).append(one)
        return found

    def of_kind(self, kind: Kind) -> dict[str, str]:
        """Return the keys of all objects of a kind, by the digest that stands in them."""
        return dict(self.keys_of(kind))

    def keys_of(self, kind: Kind) -> list[tuple[str, str]]:
        """Return the same as pairs: an artifact may have a manifest for each of its names."""
        parsed = ((key, parse_key(key)) for key in self.objects)
        return [(one.digest, key) for key, one in parsed if one is not None and one.kind == kind]

    def add_published(
        self, reach: Reach, manifests: Mapping[str, list[tuple[Manifest, bytes]]]
    ) -> None:
        """Keep what any version of a channel, any release or other signed metadata names.

        Raises VerificationError if what a channel points to is not described in the bucket: then
        it is not known which payload it means.
        """
        metadata = [key for key in self.channels if key.endswith(".json")]
        held = dict(zip(metadata, self._read_all(metadata, self._bytes), strict=True))
        for key, data in held.items():
            reach.add(data)
            if self.points_to_datasets(key):
                self._check_described(key, data, manifests)
        channels = {key: data for key, data in held.items() if self.points_to_datasets(key)}
        for key, sha256 in bins_in(channels, self.country).items():
            if key not in held or sha256_bytes(held[key]) != sha256:
                raise VerificationError(
                    f"{self.store.url}/{key}, a part of a channel, is missing or was altered: what "
                    "it points to is not known",
                    remedy="Nothing was removed. The next push puts back those of today.",
                )
            self._check_described(key, held[key], manifests)
        releases = [key for key in self.objects if key.startswith(releases_prefix(self.country))]
        for data in self._read_all(releases, self._bytes):
            reach.add(data)

    def add_contents(self, reach: Reach) -> None:
        """Keep the files that kept listings of directories name.

        Raises FormatError for a listing that is none. Of one that is not in the bucket no reader
        could pull the directory: it keeps nothing.
        """
        listings = (payload_key(self.country, listing_hash(md5)) for md5 in sorted(reach.md5s))
        for entries in self._read_all(
            [key for key in listings if key in self.objects], self._listing
        ):
            reach.md5s.update(entries)

    def _check_described(
        self, key: str, data: bytes, manifests: Mapping[str, list[tuple[Manifest, bytes]]]
    ) -> None:
        for name, target in targets_of(data, where=f"{self.store.url}/{key}").items():
            sha256 = target["hashes"]["sha256"]
            digests = {sha256_bytes(found) for _, found in manifests.get(sha256, ())}
            if target["custom"]["manifest_sha256"] not in digests:
                raise VerificationError(
                    f"{self.store.url}/{key} points {name} to sha256:{sha256}, whose manifest is "
                    "missing or another",
                    remedy="Nothing was removed. Run pe-dvc fsck, and repair what it finds.",
                )

    def _manifest(self, named: tuple[str, str]) -> tuple[Manifest, bytes]:
        sha256, key = named
        data, where = self._bytes(key), f"{self.store.url}/{key}"
        manifest = Manifest.from_bytes(data, where=where)
        if manifest.artifact.sha256 != sha256:
            raise VerificationError(f"{where} is of another artifact: run pe-dvc fsck")
        return manifest, data

    def _listing(self, key: str) -> list[str]:
        data, _ = self.store.read(key, limit=LISTING_LIMIT)
        where = f"{self.store.url}/{key}"
        files = parse_listing(data, where=where, remedy="Nothing was removed. Run pe-dvc fsck.")
        return [file.md5 for file in files]

    def _bytes(self, key: str) -> bytes:
        data, _ = self.store.read(key, limit=MANIFEST_LIMIT)
        return data

    def _read_all(self, keys: list[Any], read: Any) -> list[Any]:
        with Pool(REQUESTS) as pool:
            return run_all(pool, read, keys)
