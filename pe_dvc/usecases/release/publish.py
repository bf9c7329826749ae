"""A release and the bucket: is every artifact there, what is published, is it what git says?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pe_dvc.documents.dvc_listing import parse_listing
from pe_dvc.documents.keys import (
    LISTING_LIMIT,
    MANIFEST_LIMIT,
    RELEASE_MANIFEST,
    TRO,
    payload_key,
    payload_prefix,
    release_key,
)
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import (
    ConflictError,
    FormatError,
    NotFoundError,
    ReleaseError,
)
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.usecases.object_digest import object_digest
from pe_dvc.usecases.parallel import TRANSFERS
from pe_dvc.usecases.payload_place import find_place
from pe_dvc.usecases.progress import Reporter, Silent
from pe_dvc.usecases.published_manifest import read_manifest
from pe_dvc.usecases.release.moved_tag import MOVED_TAG, moved_tag
from pe_dvc.usecases.release.payload_digest import check_digest
from pe_dvc.usecases.release.read_published import (
    UNSIGNED_TOMBSTONE,
    read_published,
    with_tombstone,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pe_dvc.documents.artifact import Artifact
    from pe_dvc.documents.manifest import ManifestHead
    from pe_dvc.documents.release_target import Released
    from pe_dvc.store.port import Store
    from pe_dvc.usecases.payload_place import OpenLocation
    from pe_dvc.usecases.release.derive import Locked, Release

_SHOWN = 5
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


def check_held(store: Store, release: Release) -> None:
    """Raise ReleaseError, naming them, unless the store holds every artifact and its manifest.

    Payloads are looked for by their size, manifests are compared byte for byte, and a dataset in
    a directory that DVC tracks must be in the directory's listing.
    """
    country = release.country
    sizes = {info.key: info.size for info in store.list(payload_prefix(country))}
    listings: dict[str, dict[str, str]] = {}
    for locked in release.declared.values():
        if locked.inside is not None and locked.md5 is not None and locked.md5 not in listings:
            listings[locked.md5] = _listing(store, country, locked.md5)
    with ThreadPoolExecutor(TRANSFERS) as pool:
        faults = list(
            pool.map(lambda name: _fault(store, release, name, sizes, listings), release.manifests)
        )
    found = [
        f"{name} ({fault})" for name, fault in zip(release.manifests, faults, strict=True) if fault
    ]
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise ReleaseError(
            f"{release.tag} is incomplete in {store.url}: {', '.join(found[:_SHOWN])}{more}",
            remedy="Run pe-dvc push where the data is; pe-dvc fsck finds damage in the bucket.",
        )


def _fault(
    store: Store,
    release: Release,
    name: str,
    sizes: dict[str, int],
    listings: dict[str, dict[str, str]],
) -> str | None:
    """Say what the store lacks of one artifact, None if it lacks nothing."""
    manifest, data = release.manifests[name]
    artifact, locked = manifest.artifact, release.declared[name]
    if locked.inside is not None and not _is_listed(manifest, locked, listings):
        return f"its md5 is not that of {locked.inside} in the directory that dvc.lock records"
    size = sizes.get(payload_key(release.country, artifact.dvc.md5))
    if size is None and artifact.location is not None:
        size = artifact.size  # it lies elsewhere, and readers get it from there
    if size is None:
        digest = Sha256(artifact.sha256)
        marked = with_tombstone(store, release.country, {digest})
        return f"payload missing; {UNSIGNED_TOMBSTONE}" if marked else "payload missing"
    if size != artifact.size:
        return f"payload of {size} bytes where {artifact.size} were signed"
    try:
        held, _ = read_manifest(store, release.country, Sha256(artifact.sha256), name)
    except NotFoundError:
        return "manifest missing"
    return None if held == data else "another manifest was published"


def _is_listed(manifest: ManifestHead, locked: Locked, listings: dict[str, dict[str, str]]) -> bool:
    return listings.get(locked.md5 or "", {}).get(locked.inside or "") == manifest.artifact.dvc.md5


def _listing(store: Store, country: str, md5: str) -> dict[str, str]:
    """Return the files of a directory that DVC tracks, none if the store lacks its listing."""
    key = payload_key(country, md5)
    try:
        data, _ = store.read(key, limit=LISTING_LIMIT)
    except NotFoundError:
        return {}
    remedy = "Run pe-dvc fsck --repair where the data is, then try again."
    return dict(parse_listing(data, where=f"{store.url}/{key}", remedy=remedy))


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
    open_location: OpenLocation,
    reporter: Reporter | None = None,
) -> Verified:
    """Prove a published release against the one that git gives, and the bucket against both.

    Every payload is read. Raises NotFoundError for one that is not published, ReleaseError for a
    tag that was moved or for artifacts that are missing, DigestMismatchError for published bytes
    that were altered.
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
    check_held(store, release)
    size = _check_payloads(store, release, open_location, reporter or Silent())
    return Verified(released=released, artifacts=len(release.manifests), size=size)


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
        ThreadPoolExecutor(PAYLOADS_AT_ONCE) as pool,
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
