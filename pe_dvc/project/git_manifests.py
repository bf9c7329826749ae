"""Manifests as git's history holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.adapters.git.tags import GitTags
from pe_dvc.documents.manifest import Manifest
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.line_endings import as_committed
from pe_dvc.project.repo_files import manifest_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.project.repo import DataRepo


def committed_manifest(repo: DataRepo, name: str, sha256: str) -> Manifest | None:
    """Return a manifest of a dataset that was committed, by its sha256; None if none was."""
    path = manifest_path(repo.settings, name)
    for change in GitTags(repo.root, root=repo.root).history(path):
        data = as_committed(change.tree.read(path))
        if sha256_bytes(data) == sha256:
            return Manifest.from_bytes(data, where=change.tree.where(path))
    return None


def commit_with(repo: DataRepo, pointers: Mapping[str, Pointer]) -> str | None:
    """Return the newest commit (hex) with the manifests of all ``pointers``, None without one.

    Its ``dvc.lock`` has the data that they describe.
    """
    git = GitTags(repo.root, root=repo.root)
    wanted = {
        manifest_path(repo.settings, name): pointer.manifest_sha256
        for name, pointer in pointers.items()
    }
    for path in wanted:
        for change in git.history(path):
            held = ((one, sha256) for one, sha256 in wanted.items() if change.tree.has(one))
            same = [sha256_bytes(as_committed(change.tree.read(o))) == sha for o, sha in held]
            if len(same) == len(wanted) and all(same):
                return change.commit
    return None
