"""Publish: payloads, then chunk lists and manifests, then the signed pointer, which comes last.

Killed anywhere, this leaves readers on the old state or the new one, and a rerun completes the
job: every step writes only what is not there yet. docs/architecture.md, ADR 0004.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.documents.dvc_files import LOCK
from pe_dvc.documents.keys import (
    MANIFEST_LIMIT,
    country_prefix,
    manifest_key,
    parse_key,
    payload_key,
    payload_prefix,
)
from pe_dvc.documents.plain_record import read_plain_manifest
from pe_dvc.documents.sidecar_refs import sidecars_of
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import ConflictError, NotFoundError
from pe_dvc.primitives.pools import Pool
from pe_dvc.store.together import together
from pe_dvc.usecases.parallel import TRANSFERS, run_all, transfer_all
from pe_dvc.usecases.payload_place import check_is_there
from pe_dvc.usecases.progress import Reporter, Silent
from pe_dvc.usecases.publish.existing_objects import HEAD_REQUESTS_MAX, find_objects, list_objects
from pe_dvc.usecases.publish.uploads import upload_all
from pe_dvc.usecases.publish.vouched import Vouched
from pe_dvc.usecases.published_manifest import name_in, read_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from concurrent.futures import Executor

    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.documents.sidecar_refs import SidecarRef
    from pe_dvc.store.port import ObjectInfo, Store
    from pe_dvc.usecases.payload_place import OpenLocation
    from pe_dvc.usecases.publish.cache_objects import CacheObject


class _OtherNameError(Exception):
    """The manifest that is there is of the same bytes, as another dataset."""


class ManifestToPublish(NamedTuple):
    """A manifest to publish: the committed bytes, and what gives each sidecar that they name."""

    manifest: Manifest
    data: bytes
    sidecar: Callable[[SidecarRef], bytes]

    def is_vouched(self, signed: AbstractSet[Vouched]) -> bool:
        """Tell whether a published channel signs this very manifest."""
        artifact = self.manifest.artifact
        return Vouched(artifact.name, Sha256(artifact.sha256), sha256_bytes(self.data)) in signed


@dataclass(frozen=True, kw_only=True)
class PublishedObjects:
    """What a publication did; ``repaired`` objects were there with another size."""

    uploaded: list[str]
    repaired: list[str]
    uploaded_bytes: int
    present: int
    manifests: list[str]


def publish_objects(
    store: Store,
    country: str,
    payloads: Sequence[CacheObject],
    described: Sequence[ManifestToPublish],
    *,
    reporter: Reporter | None = None,
    open_location: OpenLocation | None = None,
    vouched: Callable[[], AbstractSet[Vouched]] = frozenset,
) -> PublishedObjects:
    """Bring payloads, chunk lists and manifests into the store, in that order.

    The pointer is not touched: publish it after this returned. ``vouched`` is asked, for many, what
    a published channel signs: the store is not asked for that, unless it is all that there is.
    Then what was lost is brought back, and a listing believed of the rest. A payload that is not to
    be pushed must be where its manifest says that it lies, by ``open_location``. Raises
    ConflictError when the store holds another manifest for one of the artifacts (nothing was
    written then), NotFoundError for a payload that is neither in the store nor in the local DVC
    cache, DigestMismatchError when the DVC cache holds other bytes than the manifest, or the
    object's name, says, and StoreError.
    """
    signed = vouched() if len(described) > HEAD_REQUESTS_MAX else frozenset()
    new = [d for d in described if not d.is_vouched(signed)]
    asked = new or described
    settled = _md5s(described) - _md5s(asked)
    unsettled = [p for p in payloads if p.tracked not in settled]
    with Pool(TRANSFERS) as pool:
        ours = {payload.md5 for payload in unsettled}
        missing, there = together(
            store,
            lambda: _missing_manifests(store, country, asked, pool, are_signed=not new),
            lambda: _find_payloads(store, country, ours, pool),
        )
        there |= _find_payloads(store, country, _md5s(missing) - ours, pool)
        _check_recorded(store, country, missing, unsettled, there, open_location)
        wanted = _missing_payloads(store, country, unsettled, there)
        uploaded_bytes = upload_all(
            store, country, list(wanted.values()), reporter or Silent(), pool
        )
        transfer_all(pool, partial(_publish_manifest, store, country), missing)
    return PublishedObjects(
        uploaded=[one.what for one in wanted.values()],
        repaired=[one.what for md5, one in wanted.items() if payload_key(country, md5) in there],
        uploaded_bytes=uploaded_bytes,
        present=sum(one.md5 not in wanted for one in payloads),
        manifests=[d.manifest.artifact.name for d in missing],
    )


def _find_payloads(
    store: Store, country: str, md5s: Iterable[str], pool: Pool
) -> dict[str, ObjectInfo]:
    keys = {payload_key(country, md5) for md5 in md5s}
    return find_objects(store, payload_prefix(country), keys, pool) if keys else {}


def _md5s(described: Iterable[ManifestToPublish]) -> set[str]:
    return {one.manifest.artifact.dvc.md5 for one in described}


def _missing_manifests(
    store: Store,
    country: str,
    described: Sequence[ManifestToPublish],
    pool: Executor,
    *,
    are_signed: bool,
) -> list[ManifestToPublish]:
    """Return those not published yet; refuse if another manifest was published first.

    Of many new ones a listing tells that they are not there, and where they ``are_signed`` by a
    channel that they are.
    """
    keys = [manifest_key(country, Sha256(d.manifest.artifact.sha256)) for d in described]
    listed, unknown = list_objects(store, country_prefix(country), set(keys), pool)
    asked = [
        d
        for d, key in zip(described, keys, strict=True)
        if key in unknown
        or (key in listed and not (are_signed and listed[key].size == len(d.data)))
    ]
    published = run_all(pool, partial(_is_published, store, country), asked)
    new = {id(d) for d, is_there in zip(asked, published, strict=True) if not is_there}
    return [
        d
        for d, key in zip(described, keys, strict=True)
        if id(d) in new or (key not in listed and key not in unknown)
    ]


def _is_published(store: Store, country: str, described: ManifestToPublish) -> bool:
    artifact = described.manifest.artifact
    try:
        existing, key = read_manifest(store, country, Sha256(artifact.sha256), artifact.name)
    except NotFoundError:
        return False
    if name_in(existing) not in (artifact.name, None):
        return False  # the same bytes, published as other datasets only
    if existing != described.data:
        raise _conflict(described, existing, f"{store.url}/{key}")
    return True


def _conflict(described: ManifestToPublish, existing: bytes, source: str) -> ConflictError:
    artifact = described.manifest.artifact
    other = read_plain_manifest(existing, where=source)
    remedy = f"The first one is kept. Adopt it: pe-dvc manifest adopt {artifact.name}"
    if not other.artifact.is_same_as(artifact):
        remedy = artifact.declared_otherwise(other.artifact)
    return ConflictError(
        f"{artifact.name}: the store already holds a manifest of artifact sha256:"
        f"{artifact.sha256}, published first: manifest sha256:{sha256_bytes(existing)} of "
        f"{other.artifact.name} ({other.artifact.path}), built {other.build}, "
        f"in {source}; yours is manifest "
        f"sha256:{sha256_bytes(described.data)}, built "
        f"{described.manifest.build}",
        remedy=remedy,
    )


def _check_recorded(
    store: Store,
    country: str,
    missing: Sequence[ManifestToPublish],
    payloads: Sequence[CacheObject],
    there: Mapping[str, ObjectInfo],
    open_location: OpenLocation | None,
) -> None:
    """Refuse a manifest whose payload is neither to be published nor there: DVC lost track of it.

    The files of a directory whose listing is not on this machine are no payloads, and are there.
    """
    recorded = {payload.md5 for payload in payloads}
    for described in missing:
        artifact = described.manifest.artifact
        md5 = artifact.dvc.md5
        if md5 in recorded or payload_key(country, md5) in there:
            continue
        if artifact.location is not None and open_location is not None:
            check_is_there(artifact, open_location(artifact.location))
        else:
            raise NotFoundError(
                f"{artifact.path}, md5 {md5}, which the manifest of {artifact.name} describes, is "
                f"not in {store.url}, and {LOCK} or its .dvc file does not record it",
                remedy=f"Restore {LOCK} from git or run dvc repro, commit, then push.",
            )


def _missing_payloads(
    store: Store,
    country: str,
    payloads: Sequence[CacheObject],
    there: Mapping[str, ObjectInfo],
) -> dict[str, CacheObject]:
    """Return by md5 those that the store lacks, or holds with another size than is here."""
    wanted = {}
    for payload in payloads:
        info = there.get(payload_key(country, payload.md5))
        if payload.path.exists():
            if info is None or info.size != payload.path.stat().st_size:
                wanted[payload.md5] = payload
        elif info is None:
            raise NotFoundError(
                f"{payload.what} is neither in {store.url} nor in the local DVC cache "
                f"({payload.path})",
                remedy="Run dvc repro (or dvc pull, where another remote has it), then push.",
            )
    return wanted


def _publish_manifest(store: Store, country: str, described: ManifestToPublish) -> None:
    """Write the sidecars, then the manifest that vouches for them; each is created once."""
    artifact = described.manifest.artifact
    sha256 = Sha256(artifact.sha256)
    for sidecar in sidecars_of(described.manifest):
        if sidecar.is_implied:
            continue
        _create(store, sidecar.key, described.sidecar(sidecar), described)
    try:
        _create(store, manifest_key(country, sha256), described.data, described)
    except _OtherNameError:
        own = manifest_key(country, sha256, artifact.name)
        _create(store, own, described.data, described)


def _create(store: Store, key: str, data: bytes, described: ManifestToPublish) -> None:
    try:
        store.create(key, data)
    except ConflictError:
        existing, _ = store.read(key, limit=max(MANIFEST_LIMIT, len(data) + 1))
        if existing == data:
            return
        parsed = parse_key(key)
        if parsed is not None and parsed.kind == "manifest":
            if name_in(existing) not in (described.manifest.artifact.name, None):
                raise _OtherNameError(key) from None
            raise _conflict(described, existing, f"{store.url}/{key}") from None
        raise
