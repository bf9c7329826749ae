"""The sidecars that manifests name: from the files beside them, or from git."""

from __future__ import annotations

import shlex
from functools import partial
from typing import TYPE_CHECKING

from pe_dvc.adapters.git.tags import GitTags
from pe_dvc.adapters.work_tree import WorkTree
from pe_dvc.documents.sidecar_files import sidecar_file
from pe_dvc.documents.sidecar_refs import content_sidecars
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.project.repo_files import manifest_path
from pe_dvc.project.sidecars import cached_parts, parts_of
from pe_dvc.store.confined import ConfinedTree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pe_dvc.documents.manifest import Manifest, ManifestHead
    from pe_dvc.documents.repo_tree import RepoTree
    from pe_dvc.documents.sidecar_refs import SidecarRef
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import ReadableStore


def giving_sidecars(repo: DataRepo, manifest: Manifest) -> Callable[[SidecarRef], bytes]:
    """Return what gives the sidecars of a manifest of this checkout."""
    return partial(_sidecar_of, repo, manifest, parts=partial(parts_of, repo, manifest))


def giving_cached_sidecars(repo: DataRepo, manifest: Manifest) -> Callable[[SidecarRef], bytes]:
    """Return what gives those of an earlier build, as far as DVC's cache and git have it."""
    parts = partial(cached_parts, repo, manifest.artifact)
    return partial(_sidecar_of, repo, manifest, parts=parts)


def _sidecar_of(
    repo: DataRepo, manifest: Manifest, named: SidecarRef, *, parts: Callable[[], bytes]
) -> bytes:
    """Return a sidecar. Raises NotFoundError, and VerificationError for other parts."""
    if not named.is_parts:
        path = sidecar_file(manifest_path(repo.settings, manifest.artifact.name), named.kind)
        return find_sidecar(repo.root, path, named)
    return parts()


def find_sidecar(root: Path, path: str, named: SidecarRef) -> bytes:
    """Return a sidecar by its file in the work tree, or in git's commits behind HEAD.

    Raises NotFoundError.
    """
    data = _read(WorkTree(root), path, named)
    if data is not None:
        return data
    for change in GitTags(root, root=root).history(path):
        data = _read(change.tree, path, named)
        if data is not None:
            return data
    raise NotFoundError(
        f"{path} is not the {named.kind} that its manifest names, sha256:{named.sha256}, and no "
        "commit behind HEAD has that one",
        remedy="Remove the manifest, so that both are made again. If they were pushed, take them "
        "from another clone instead: what is published stays.",
    )


def _read(tree: RepoTree, path: str, named: SidecarRef) -> bytes | None:
    data = tree.read_signed(path) if tree.has(path) else None
    return data if data is not None and sha256_bytes(data) == named.sha256 else None


def sidecar_fault(repo: DataRepo, path: str, manifest: ManifestHead | None) -> str | None:
    """Return which sidecar beside the manifest at ``path`` is missing or another, None if none."""
    for kind, named in content_sidecars(manifest).items() if manifest is not None else ():
        file = sidecar_file(path, kind)
        if not repo.tree.has(file):
            fault = f"{file}, which the manifest names, is not here"
        elif (actual := sha256_bytes(repo.tree.read_signed(file))) != named.sha256:
            fault = f"{file}: expected sha256:{named.sha256} by the manifest, got sha256:{actual}"
        else:
            continue
        return f"{fault}: {_way_back(repo.root, file, named)}"
    return None


def _way_back(root: Path, file: str, named: SidecarRef) -> str:
    """Return what gives a sidecar again. What was edited may be committed by now."""
    for change in GitTags(root, root=root).history(file):
        if _read(change.tree, file, named) is not None:
            return f"git checkout {change.commit[:12]} -- {shlex.quote(file)}"
    return "run pe-dvc manifest write, which makes it again"


def sidecar_files_of(repo: DataRepo, manifest: ManifestHead) -> list[str]:
    """Return the files of a manifest's sidecars, those that are here."""
    path = manifest_path(repo.settings, manifest.artifact.name)
    files = (sidecar_file(path, kind) for kind in manifest.sidecars)
    return [file for file in files if repo.tree.has(file)]


def write_published(
    repo: DataRepo, manifest: ManifestHead, data: bytes, store: ReadableStore
) -> list[str]:
    """Write a published manifest, ``data``, and its sidecars; return the files that were not so.

    Raises as ``usecases.read.sidecars.read_named``, before anything is written.
    """
    from pe_dvc.usecases.read.sidecars import read_named

    path = manifest_path(repo.settings, manifest.artifact.name)
    files = {
        sidecar_file(path, kind): read_named(store, named, what=manifest.artifact.name)
        for kind, named in content_sidecars(manifest).items()
    }
    written = []
    for file, content in {**files, path: data}.items():
        if not repo.tree.has(file) or repo.tree.read_signed(file) != content:
            ConfinedTree(repo.root).write(file, content, durable=True)
            written.append(file)
    return written
