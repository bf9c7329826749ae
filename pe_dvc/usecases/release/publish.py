"""A release and the bucket: is every artifact there, what is published, is it what git says?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pe_dvc.documents.keys import (
    MANIFEST_LIMIT,
    RELEASE_MANIFEST,
    TRO,
    release_key,
)
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import (
    ConflictError,
    FormatError,
    NotFoundError,
    ReleaseError,
)
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.primitives.pools import Pool
from pe_dvc.usecases.object_digest import object_digest
from pe_dvc.usecases.payload_place import find_place
from pe_dvc.usecases.progress import Reporter, Silent
from pe_dvc.usecases.release.held import check_held
from pe_dvc.usecases.release.moved_tag import MOVED_TAG, moved_tag
from pe_dvc.usecases.release.payload_digest import check_digest
from pe_dvc.usecases.release.read_published import read_published
from pe_dvc.usecases.release.statements import check_published

if TYPE_CHECKING:
    from collections.abc import Callable

    from pe_dvc.documents.artifact import Artifact
    from pe_dvc.documents.release_target import Released
    from pe_dvc.store.port import Store
    from pe_dvc.trust.signed_metadata import SignedMetadata
    from pe_dvc.usecases.payload_place import OpenLocation
    from pe_dvc.usecases.release.derive import Release

PAYLOADS_AT_ONCE = 4


class SignedReleases(Protocol):
    """The signed releases of one country, verified (``pe_dvc.trust.client``)."""

    def releases(self) -> dict[str, Released]:
        """Return every published release, by tag."""
        ...


@dataclass(frozen=True, kw_only=True)
class Verified:
    """A published release that is, byte for byte, what its tag says."""

    released: Released
    artifacts: int
    size: int
    """Bytes of all artifacts together."""
    statements: int = 0
    """Signed in-toto statements of it; releases that an earlier pe_dvc registered have none."""


def check_not_moved(registered: Released, release: Release) -> None:
    """Raise ReleaseError if git gives another release than the one that was registered."""
    if release.sha256 != registered.sha256:
        build = release.manifest.build.metadata
        raise moved_tag(
            registered, sha256=release.sha256, commit=build.git_commit, channel=build.channel
        )


def publish_documents(store: Store, release: Release) -> list[str]:
    """Write the release manifest and the TRO, each once; return the keys written.

    Raises ReleaseError if the store holds other bytes under the tag: the tag was moved.
    """
    written = []
    for file, data in ((TRO, release.tro), (RELEASE_MANIFEST, release.data)):
        key = release_key(release.country, release.tag, file)
        try:
            store.create(key, data)
            written.append(key)
        except ConflictError:
            held, _ = store.read(key, limit=MANIFEST_LIMIT)
            if held != data:
                raise _moved(release, held, f"{store.url}/{key}") from None
    return written


def publish_registered(store: Store, derive: Callable[..., Release], released: Released) -> None:
    """Publish the documents of a release that git registers; ``derive`` makes it from its tag.

    Raises ReleaseError for a tag that was moved, and for artifacts that the store lacks.
    """
    release = derive(released.tag, channel=released.channel)
    check_not_moved(released, release)
    check_held(store, release)
    publish_documents(store, release)


def verify_release(
    store: Store,
    signed: SignedReleases,
    release: Release,
    *,
    metadata: SignedMetadata,
    open_location: OpenLocation,
    reporter: Reporter | None = None,
) -> Verified:
    """Prove a published release against the one that git gives, and the bucket against both.

    ``metadata`` is git's: it names the keys that sign statements. Every payload and sidecar is
    read. Raises NotFoundError for one that is not published, ReleaseError for a tag that was moved
    or as ``check_held``, DigestMismatchError for published bytes that were altered, and as
    ``read_published_statements``.
    """
    released = signed.releases().get(release.tag)
    if released is None:
        raise NotFoundError(
            f"release {release.tag} is not published in {store.url}",
            remedy=f"Run pe-dvc release create {release.tag} and pe-dvc release push "
            f"{release.tag}.",
        )
    for file, data in ((RELEASE_MANIFEST, release.data), (TRO, release.tro)):
        held = read_published(store, released, file)
        if held != data:
            raise _moved(release, held, f"{store.url} ({file})")
    statements = check_published(store, metadata, released, release.statements)
    check_held(store, release)
    size = _check_payloads(store, release, open_location, reporter or Silent())
    return Verified(
        released=released, artifacts=len(release.manifests), size=size, statements=statements
    )


def _check_payloads(
    store: Store, release: Release, open_location: OpenLocation, reporter: Reporter
) -> int:
    """Read and hash every payload, whose sizes were compared; return the bytes of all."""
    artifacts = [manifest.artifact for manifest, _ in release.manifests.values()]
    total = sum(artifact.size for artifact in artifacts)

    def check(artifact: Artifact) -> None:
        place = find_place(artifact.key, artifact.location, store, open_location)
        actual = object_digest(place.source, place.key, artifact.size, progress=progress)
        check_digest(place, artifact, actual)

    with (
        reporter.task(f"check {len(artifacts)} payloads", total) as progress,
        Pool(PAYLOADS_AT_ONCE) as pool,
    ):
        list(pool.map(check, artifacts))
    return total


def _moved(release: Release, held: bytes, where: str) -> ReleaseError:
    """Return the error for a release that is published with other bytes than git gives now."""
    ours, theirs = release.manifest.build.metadata.git_commit, _commit_in(held)
    moved = "made again on the same commit" if theirs == ours else "moved"
    of = f" of commit {theirs[:12]}" if theirs else ""
    return ReleaseError(
        f"the tag {release.tag} was {moved}, or read by another version of pe_dvc: {where} has "
        f"sha256:{sha256_bytes(held)}{of}, and git gives "
        f"sha256:{sha256_bytes(release.data)} of commit {ours[:12]}",
        remedy=MOVED_TAG,
    )


def _commit_in(held: bytes) -> str:
    try:
        document = read_json(held, what="a release manifest")
        return str(document["build"]["metadata"]["git_commit"])
    except (FormatError, KeyError, TypeError):
        return ""
