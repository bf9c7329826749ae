"""``pe-dvc manifest adopt``: taking over the manifest that was published first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.manifest import Manifest
from pe_dvc.project.content_sidecars import write_published
from pe_dvc.project.metrics_file import write_metrics
from pe_dvc.project.repo_files import manifest_path
from pe_dvc.project.verify import gather
from pe_dvc.usecases.checkout.adopt import published_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.project.repo import DataRepo


def adopt_manifest(repo: DataRepo, name: str, *, store: str | None = None) -> Path:
    """Replace the manifest of ``name``, and its sidecars, by those published of the artifact.

    Returns its path. Raises as ``pe_dvc.usecases.checkout.adopt.published_manifest``.
    """
    mine = next(evidence for evidence in gather(repo, [name])).manifest
    opened = repo.open_store(store)
    data = published_manifest(mine, name, opened)
    write_published(repo, Manifest.from_bytes(data), data, opened)
    write_metrics(repo.root, repo.settings.manifests)
    return repo.root / manifest_path(repo.settings, name)
