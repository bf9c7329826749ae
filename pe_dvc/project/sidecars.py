"""The sidecars that manifests name, made again from what this machine has of the bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.adapters.digests import DigestCache, digest_file
from pe_dvc.adapters.directories import members_in_cache
from pe_dvc.adapters.dvc.cache import DvcListings, object_path
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import VerificationError

if TYPE_CHECKING:
    from pe_dvc.documents.artifact import Artifact
    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.project.repo import DataRepo


def sidecar_of(repo: DataRepo, manifest: Manifest) -> bytes:
    """Return the sidecar that a manifest speaks of. Raises VerificationError for another one."""
    artifact = manifest.artifact
    found = cached_sidecar(repo, artifact) if artifact.is_directory else _chunks(repo, artifact)
    if sha256_bytes(found) != artifact.sidecar_sha256:
        what = "files" if artifact.is_directory else "chunks"
        raise VerificationError(
            f"{artifact.path}: its {what} are not those of the manifest of {artifact.name}",
            remedy="It was changed: remove it, then run dvc repro.",
        )
    return found


def cached_sidecar(repo: DataRepo, artifact: Artifact) -> bytes:
    """Return the sidecar of what DVC's cache holds. Raises NotFoundError."""
    cache_dir, md5 = repo.dvc_config.cache_dir, artifact.dvc.md5
    if artifact.is_directory:
        listings = DvcListings(cache_dir)
        return members_in_cache(listings.path, listings.files(md5)).data
    return digest_file(object_path(cache_dir, md5)).chunks


def _chunks(repo: DataRepo, artifact: Artifact) -> bytes:
    path = repo.root / artifact.path
    digests = DigestCache(repo.root)
    # The workspace's file first: its digests were kept when the manifest was written.
    found = digests.known(path)
    if found is None or found.sha256 != artifact.sha256:
        in_cache = object_path(repo.dvc_config.cache_dir, artifact.dvc.md5)
        found = digests.digest(in_cache if in_cache.exists() else path)
    return found.chunks
