"""Does the store hold all that a release promises: payloads, manifests and their sidecars?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.dvc_listing import parse_listing
from pe_dvc.documents.keys import LISTING_LIMIT, MANIFEST_LIMIT, payload_key, payload_prefix
from pe_dvc.documents.sidecar_refs import sidecars_of
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import NotFoundError, ReleaseError
from pe_dvc.primitives.pools import Pool
from pe_dvc.usecases.parallel import TRANSFERS, transfer_all
from pe_dvc.usecases.published_manifest import read_manifest
from pe_dvc.usecases.release.read_published import UNSIGNED_TOMBSTONE, with_tombstone

if TYPE_CHECKING:
    from pe_dvc.documents.manifest import ManifestHead
    from pe_dvc.documents.sidecar_refs import SidecarRef
    from pe_dvc.store.port import Store
    from pe_dvc.usecases.release.derive import Locked, Release

_SHOWN = 5


def check_held(store: Store, release: Release) -> None:
    """Raise ReleaseError, naming them, unless the store holds every artifact whole.

    Payloads are looked for by their size; manifests, and the sidecars that they name, are
    compared byte for byte; a dataset in a directory that DVC tracks must be in its listing.
    """
    country = release.country
    sizes = {info.key: info.size for info in store.list(payload_prefix(country))}
    listings: dict[str, dict[str, str]] = {}
    for locked in release.declared.values():
        if locked.inside is not None and locked.md5 is not None and locked.md5 not in listings:
            listings[locked.md5] = _listing(store, country, locked.md5)
    with Pool(TRANSFERS) as pool:
        faults = transfer_all(
            pool,
            lambda name: _fault(store, release, name, sizes, listings),
            [*release.manifests],
        )
    found = [
        f"{name} ({fault})" for name, fault in zip(release.manifests, faults, strict=True) if fault
    ]
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise ReleaseError(
            f"{release.tag} is incomplete in {store.url}: {', '.join(found[:_SHOWN])}{more}",
            remedy="Run pe-dvc push where the data is. What was pushed and then lost is put back "
            "by pe-dvc fsck --repair.",
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
        sha256 = Sha256(artifact.sha256)
        held, _ = read_manifest(store, release.country, sha256, name, expected=data)
    except NotFoundError:
        return "manifest missing"
    if held != data:
        return "another manifest was published"
    named = (one for one in sidecars_of(manifest) if not one.is_implied)
    return next((f for one in named if (f := _sidecar_fault(store, one))), None)


def _sidecar_fault(store: Store, named: SidecarRef) -> str | None:
    limit = LISTING_LIMIT if named.is_parts else MANIFEST_LIMIT
    try:
        data, _ = store.read(named.key, limit=limit)
    except NotFoundError:
        return f"{named.kind} missing"
    actual = sha256_bytes(data)
    if actual == named.sha256:
        return None
    return f"{named.kind} altered: expected sha256:{named.sha256}, got sha256:{actual}"


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
