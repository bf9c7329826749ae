"""Which published manifest may take the place of a checkout's own: one of the same artifact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.manifest import Manifest
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import NotFoundError, VerificationError
from pe_dvc.usecases.published_manifest import read_manifest

if TYPE_CHECKING:
    from pe_dvc.store.port import ReadableStore


def published_manifest(mine: Manifest | None, name: str, store: ReadableStore) -> bytes:
    """Return the manifest that was published of the artifact of ``mine``, the dataset ``name``.

    Raises NotFoundError if either is missing, FormatError or VerificationError if what is
    published is not a manifest of that dataset and artifact.
    """
    if mine is None:
        raise NotFoundError(f"{name} has no manifest here", remedy="Run dvc repro.")
    artifact = mine.artifact
    data, key = read_manifest(store, artifact.country, Sha256(artifact.sha256), artifact.name)
    theirs = Manifest.from_bytes(data, where=f"{store.url}/{key}")
    if not theirs.artifact.is_same_as(mine.artifact):
        raise VerificationError(
            f"{store.url}/{key} describes {theirs.artifact.name} ({theirs.artifact.path}), so it "
            f"cannot be adopted for {name} ({mine.artifact.path})",
            remedy=mine.artifact.declared_otherwise(theirs.artifact),
        )
    return data
