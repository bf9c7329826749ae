"""``pe-dvc manifest adopt``: taking over the manifest that was published first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import MANIFEST_LIMIT, manifest_key
from pe_dvc.documents.manifest import Manifest
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import NotFoundError, VerificationError
from pe_dvc.project.verify import gather
from pe_dvc.store.atomic_write import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.project.repo import DataRepo


def adopt_manifest(repo: DataRepo, name: str, *, store: str | None = None) -> Path:
    """Replace the manifest of ``name`` by the published one of the same artifact.

    Raises NotFoundError if there is none, FormatError or VerificationError if what is published
    is not a manifest of that dataset and artifact.
    """
    mine = next(e for e in gather(repo, [name])).manifest
    if mine is None:
        raise NotFoundError(f"{name} has no manifest here", remedy="Run dvc repro.")
    key = manifest_key(repo.country, Sha256(mine.artifact.sha256))
    bucket = repo.open_store(store)
    data, _ = bucket.read(key, limit=MANIFEST_LIMIT)
    theirs = Manifest.from_bytes(data, where=f"{bucket.url}/{key}")
    if theirs.artifact != mine.artifact:
        raise VerificationError(
            f"{bucket.url}/{key} is of {theirs.artifact.name} ({theirs.artifact.path}), and "
            f"{name} ({mine.artifact.path}) was to be adopted",
            remedy="One artifact has one manifest: do not declare the same bytes twice.",
        )
    path = repo.root / repo.settings.manifests / f"{name}.json"
    write_atomically(path, data)
    return path
