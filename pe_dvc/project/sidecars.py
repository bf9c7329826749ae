"""The lists of parts that manifests name, made again from what this machine has of the bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.adapters.digests import DigestCache, digest_file
from pe_dvc.adapters.directories import members_in_cache
from pe_dvc.adapters.dvc.cache import DvcListings, object_path
from pe_dvc.adapters.member_digests import MemberDigests
from pe_dvc.documents.keys import LISTING_LIMIT, members_key
from pe_dvc.documents.members import read_members
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import NotFoundError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pe_dvc.documents.artifact import Artifact
    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.documents.members import Members
    from pe_dvc.documents.payload import Payload
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import ReadableStore


def parts_of(repo: DataRepo, manifest: Manifest) -> bytes:
    """Return the list of parts of a manifest. Raises VerificationError for another one."""
    artifact = manifest.artifact
    found = _members(repo, artifact) if artifact.is_directory else _chunks(repo, artifact)
    if sha256_bytes(found) != artifact.parts_sha256:
        what = "files" if artifact.is_directory else "chunks"
        raise VerificationError(
            f"{artifact.path}: its {what} are not those of the manifest of {artifact.name}",
            remedy="It was changed: remove it, then run dvc repro.",
        )
    return found


def members_of(
    repo: DataRepo, payload: Payload, open_store: Callable[[], ReadableStore]
) -> Members:
    """Return the files of a directory, by its committed manifest: from here, or from the bucket.

    Raises DigestMismatchError for another list than the manifest's, NotFoundError, StoreError.
    """
    digests, folder = MemberDigests(repo.root), repo.root / payload.path
    kept = digests.members(folder)
    if kept is not None and kept.sha256 == payload.members_sha256:
        return kept
    try:
        store, key = open_store(), members_key(payload.country, payload.sha256)
        data, where = store.read(key, limit=LISTING_LIMIT)[0], f"{store.url}/{key}"
    except NotFoundError as missing:
        data, where = _if_all_is_here(repo, payload, missing), "DVC's cache"
    found = read_members(
        data,
        sha256=payload.members_sha256,
        identity=payload.sha256,
        size=payload.size,
        where=where,
    )
    digests.keep(folder, b"0 0\n" * found.count, found)
    return found


def _if_all_is_here(repo: DataRepo, payload: Payload, missing: NotFoundError) -> bytes:
    """Make the list of what was never pushed from DVC's cache, which then has all the files."""
    try:
        return _from_cache(repo, payload.md5)
    except NotFoundError as error:
        raise NotFoundError(
            f"{missing.message}: the list of the files of {payload.path}. And not all of them are "
            f"in the DVC cache: {error.message}",
            remedy="Ask the maintainers of the data to publish it again.",
        ) from missing


def cached_parts(repo: DataRepo, artifact: Artifact) -> bytes:
    """Return the list of parts of what DVC's cache holds. Raises NotFoundError."""
    if artifact.is_directory:
        return _from_cache(repo, artifact.dvc.md5)
    return digest_file(object_path(repo.dvc_config.cache_dir, artifact.dvc.md5)).chunks


def _from_cache(repo: DataRepo, md5: str) -> bytes:
    listings = DvcListings(repo.dvc_config.cache_dir)
    return members_in_cache(listings.path, listings.files(md5)).data


def _members(repo: DataRepo, artifact: Artifact) -> bytes:
    # As the directory was when its manifest was written; whose bytes they are is held by sha256.
    kept = MemberDigests(repo.root).members(repo.root / artifact.path)
    if kept is not None and kept.sha256 == artifact.parts_sha256:
        return kept.data
    return cached_parts(repo, artifact)


def _chunks(repo: DataRepo, artifact: Artifact) -> bytes:
    path = repo.root / artifact.path
    digests = DigestCache(repo.root)
    # The workspace's file first: its digests were kept when the manifest was written.
    found = digests.known(path)
    if found is None or found.sha256 != artifact.sha256:
        in_cache = object_path(repo.dvc_config.cache_dir, artifact.dvc.md5)
        found = digests.digest(in_cache if in_cache.exists() else path)
    return found.chunks
