"""``pe-dvc manifest adopt``: taking over the manifest that was published first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.project.repo_files import manifest_path
from pe_dvc.project.verify import gather
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.usecases.checkout.adopt import published_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.project.repo import DataRepo


def adopt_manifest(repo: DataRepo, name: str, *, store: str | None = None) -> Path:
    """Replace the manifest of ``name`` by the published one of the same artifact.

    Returns its path. Raises as ``pe_dvc.usecases.checkout.adopt.published_manifest``.
    """
    mine = next(evidence for evidence in gather(repo, [name])).manifest
    data = published_manifest(mine, name, repo.open_store(store))
    path = manifest_path(repo.settings, name)
    ConfinedTree(repo.root).write(path, data, durable=True)
    return repo.root / path
