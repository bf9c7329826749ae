"""Which dataset each object of a bucket belongs to, from signed metadata alone. ADR 0036.

A key says nothing of what lies there, and a manifest in the bucket may be anyone's. So the way is
that of readers: signed channels and releases name manifests by sha256, and these name the rest.
What is found on no such way does not exist for a reader of the gateway.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import (
    LISTING_LIMIT,
    MANIFEST_LIMIT,
    RELEASE_MANIFEST,
    STATEMENTS,
    TRO,
    chunks_key,
    manifest_key,
    members_key,
    payload_key,
    release_key,
    tombstone_key,
)
from pe_dvc.documents.manifest import ManifestHead
from pe_dvc.documents.members import Members
from pe_dvc.documents.mirrors import Selection
from pe_dvc.documents.release import ReleaseManifest
from pe_dvc.gateway.described import Content, Described, Served, folders_of
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.primitives.pools import Pool
from pe_dvc.usecases.mirror.pointed import PointedArtifacts
from pe_dvc.usecases.parallel import TRANSFERS, run_all
from pe_dvc.usecases.release.read_published import read_published
from pe_dvc.usecases.retention.listed_members import listed_members

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pe_dvc.documents.members import MemberFile
    from pe_dvc.documents.release_target import Released
    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.gateway.decision import Subject
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.usecases.mirror.pointed import Pointed
    from pe_dvc.usecases.mirror.state import SignedState

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Index:
    """All objects of a country by key, and those that were withdrawn."""

    served: Mapping[str, Served]
    gone: Mapping[str, Revocation]
    contents: Mapping[str, Content]
    """Data by sha256, of which the objects are served or gone."""
    version: int
    """The version of the signed timestamp that it was made from."""


class Indexer:
    """Makes the index of a country again and again; manifests that it read are kept."""

    def __init__(self, store: ReadableStore, country: str) -> None:
        self._store, self._country = store, country
        self._known: dict[tuple[Sha256, Sha256], Described] = {}

    def index(self, state: SignedState) -> Index:
        """Return the index of what a verified state names. Raises StoreError, VerificationError."""
        pointed, withdrawn = PointedArtifacts(state, Selection()), state.withdrawn
        with Pool(TRANSFERS) as pool:
            read = run_all(pool, self._read, sorted(pointed.wanted))
        described = [one for one in read if one is not None]
        self._known = {(Sha256(d.manifest.artifact.sha256), d.sha256): d for d in described}
        served: dict[str, Served] = {}
        gone: dict[str, Revocation] = {}
        contents: dict[str, Content] = {}
        for entry in withdrawn.artifacts.values():
            keys = _keys_of(self._country, entry)
            gone |= dict.fromkeys(keys, entry)
            contents[entry.sha256] = Content(keys[0], entry.name, entry.size)
        subjects = [one.subject(pointed.version_of(one.manifest)) for one in described]
        for one, subject in zip(described, subjects, strict=True):
            revocation = withdrawn.of(one.manifest)
            for sha256, content in one.contents().items():
                contents.setdefault(sha256, content)
            for key, found in one.objects().items():
                if revocation is not None:
                    gone[key] = revocation
                elif (file := _own(found, withdrawn.artifacts)) is not None:
                    gone[key] = file
                else:
                    served.setdefault(key, found).subjects.add(subject)
        self._add_releases(served, pointed, described, subjects)
        # Other datasets may have bytes of a withdrawn directory, which were not withdrawn for them.
        gone = {key: one for key, one in gone.items() if key not in served}
        return Index(served=served, gone=gone, contents=contents, version=state.version)

    def _read(self, one: Pointed) -> Described | None:
        """Return what a pointer means, None where its manifest is not there."""
        known = self._known.get((one.sha256, one.manifest_sha256))
        if known is not None:
            return known
        for name in (None, one.name):
            key = manifest_key(self._country, one.sha256, name)
            try:
                data, _ = self._store.read(key, limit=MANIFEST_LIMIT)
            except (NotFoundError, FormatError):
                continue
            if sha256_bytes(data) == one.manifest_sha256:
                manifest = ManifestHead.from_bytes(data, where=key)
                return self._described(key, one.manifest_sha256, manifest)
        # Of an earlier version it may be gone; of today's, readers are told that it is missing.
        log.log(logging.WARNING if one.is_promised else logging.DEBUG, "no manifest: %s", one.name)
        return None

    def _described(self, key: str, sha256: Sha256, manifest: ManifestHead) -> Described:
        artifact = manifest.artifact
        members: dict[str, MemberFile] = {}
        folders: dict[str, tuple[Sha256, int]] = {}
        if artifact.is_directory:
            where = artifact.parts_key
            try:
                data, _ = self._store.read(where, limit=LISTING_LIMIT)
                members = listed_members(data, artifact, where=where)
                folders = folders_of(Members(data, where=where))
            except (FormatError, VerificationError, NotFoundError) as error:
                log.warning("the files of %s are not known: %s", artifact.name, error.message)
        return Described(
            key=key, sha256=sha256, manifest=manifest, members=members, folders=folders
        )

    def _add_releases(
        self,
        served: dict[str, Served],
        pointed: PointedArtifacts,
        described: Sequence[Described],
        subjects: Sequence[Subject],
    ) -> None:
        """Add the documents of releases: who may read one of a release's datasets reads them."""
        of_sha256 = {
            one.manifest.artifact.sha256: subject
            for one, subject in zip(described, subjects, strict=True)
        }
        for released in pointed.releases:
            data = read_published(self._store, released)
            manifest = ReleaseManifest.from_bytes(data, where=f"release {released.tag}")
            of = {
                of_sha256[artifact.sha256]
                for artifact in manifest.artifacts.values()
                if artifact.sha256 in of_sha256
            }
            files = {RELEASE_MANIFEST: released.sha256, TRO: released.tro_sha256}
            if (statements := _statements(pointed, released)) is not None:
                files[STATEMENTS] = statements
            for file, digest in files.items():
                key = release_key(self._country, released.tag, file)
                served[key] = Served("release", digest, None, set(of))


def _statements(pointed: PointedArtifacts, released: Released) -> Sha256 | None:
    """Return the digest of a release's signed statements; None of one that has none, or altered."""
    if released.statements_sha256 is None:
        return None
    try:
        return pointed.statements_digest(released)
    except (FormatError, NotFoundError, VerificationError) as error:
        log.warning("no statements of release %s: %s", released.tag, error.message)
        return None


def _own(found: Served, withdrawn: Mapping[Sha256, Revocation]) -> Revocation | None:
    """Return why a file of a directory is withdrawn that is not withdrawn as a whole."""
    return None if found.sha256 is None else withdrawn.get(Sha256(found.sha256))


def _keys_of(country: str, revocation: Revocation) -> list[str]:
    """Return the keys of a withdrawn artifact that are known without its manifest."""
    sha256 = revocation.sha256
    keys = [manifest_key(country, sha256), chunks_key(country, sha256)]
    keys += [members_key(country, sha256), tombstone_key(country, sha256)]
    if revocation.dvc_md5 is not None:
        keys.append(payload_key(country, revocation.dvc_md5))
    return keys
