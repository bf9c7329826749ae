"""Manifests as git's history holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.adapters.git.tags import GitTags
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.project.repo_files import manifest_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.project.repo import DataRepo


def committed_manifests(root: Path, path: str) -> Iterator[tuple[bytes, str]]:
    """Yield the manifests that the commits behind HEAD brought to ``path``, newest first.

    Each with what messages call it.
    """
    for change in GitTags(root, root=root).history(path):
        yield change.tree.read_signed(path), change.tree.where(path)


def was_committed(repo: DataRepo, name: str) -> bool:
    """Tell whether a commit behind HEAD has a manifest of a dataset."""
    path = manifest_path(repo.settings, name)
    return next(GitTags(repo.root, root=repo.root).history(path), None) is not None


def committed_manifest(repo: DataRepo, pointer: Pointer) -> tuple[Manifest, bytes] | None:
    """Return the manifest that a pointer signs, if it was committed; None if it was not."""
    from pe_dvc.documents.manifest import Manifest  # wanted by few pushes

    path = manifest_path(repo.settings, pointer.name)
    for data, where in committed_manifests(repo.root, path):
        if sha256_bytes(data) == pointer.manifest_sha256:
            return Manifest.from_bytes(data, where=where), data
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
            same = [sha256_bytes(change.tree.read_signed(o)) == sha for o, sha in held]
            if len(same) == len(wanted) and all(same):
                return change.commit
    return None
