"""The files of a data repo that every command starts from, read without loading any model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from pe_dvc.documents.path_pattern import expand, has_pattern
from pe_dvc.documents.payload import Payload
from pe_dvc.documents.sidecar_files import is_sidecar_file
from pe_dvc.primitives.errors import FormatError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pe_dvc.adapters.dvc.cache import DvcListings
    from pe_dvc.adapters.dvc.files import DvcFiles
    from pe_dvc.adapters.git.repo import GitRepo
    from pe_dvc.documents.manifest import ManifestHead
    from pe_dvc.documents.repo_tree import RepoTree
    from pe_dvc.project.settings import Settings

AnyManifest = TypeVar("AnyManifest", bound="ManifestHead")

_SUFFIX = ".json"


def read_dvc_files(root: Path, git: GitRepo | None = None, *, strict: bool = False) -> DvcFiles:
    """Return what DVC's files say, passing over directories that git ignores, as DVC does.

    Declarations by a pattern are one for each file; if ``strict`` one that fits none is an error.
    """
    from pe_dvc.adapters.dvc.files import DvcFiles
    from pe_dvc.adapters.git.repo import GitRepo
    from pe_dvc.adapters.work_tree import WorkTree

    tree = WorkTree(root)
    with (git or GitRepo(root)).ignore_rules() as ignored:
        dvc = DvcFiles.read(tree, ignored=ignored.among)
    if not any(map(has_pattern, dvc.artifacts)):
        return dvc
    from pe_dvc.adapters.dvc.cache import DvcListings
    from pe_dvc.adapters.dvc.config import read_config
    from pe_dvc.project.settings import read_settings

    listings = DvcListings(read_config(root).cache_dir)
    return expanded(dvc, tree, read_settings(root), listings=listings, strict=strict)


def expanded(
    dvc: DvcFiles,
    tree: RepoTree,
    settings: Settings,
    *,
    listings: DvcListings | None = None,
    strict: bool = False,
) -> DvcFiles:
    """Return the same with one declaration for each file that a pattern fits.

    Which files a tracked directory has is known from its listing; without it, from the manifests
    in ``tree``.
    """
    if not any(map(has_pattern, dvc.artifacts)):
        return dvc
    paths = {output.path for output in dvc.outputs.values() if not output.is_directory}
    described = [payload.path for payload in read_payloads(tree, settings)]
    for output in dvc.outputs.values():
        prefix = f"{output.path}/"
        if output.is_directory:
            listed = _listed(listings, output.md5)
            inside = described if listed is None else [prefix + name for name in listed]
            paths.update(path for path in inside if path.startswith(prefix))
    return replace(dvc, artifacts=tuple(expand(dvc.artifacts, paths, strict=strict)))


def _listed(listings: DvcListings | None, md5: str | None) -> dict[str, str] | None:
    try:
        return listings.files(md5) if listings is not None and md5 is not None else None
    except NotFoundError:
        return None


def manifest_files(tree: RepoTree, folder: str) -> dict[str, bytes]:
    """Return the bytes of the manifests in ``folder``, by the names of datasets, in their order."""
    paths = {
        path[len(folder) + 1 : -len(_SUFFIX)]: path
        for path in tree.files(folder)
        if path.endswith(_SUFFIX) and not is_sidecar_file(path)
    }
    return {name: tree.read_signed(paths[name]) for name in sorted(paths)}


def read_payloads(tree: RepoTree, settings: Settings) -> Iterator[Payload]:
    """Yield the payload of each manifest of a data repo. Raises as ``read_manifests``."""
    for name, data in manifest_files(tree, settings.manifests).items():
        where = tree.where(manifest_path(settings, name))
        payload = Payload.of_manifest(data, where=where)
        _check_subject(payload.country, payload.name, settings.country, name, where)
        yield payload


def read_manifests(
    tree: RepoTree, settings: Settings, kind: type[AnyManifest]
) -> dict[str, tuple[AnyManifest, bytes]]:
    """Return the manifests of a data repo by the names of datasets, each with its file's bytes.

    ``kind`` is how much of them is read. Raises FormatError for a file that is no manifest, or
    is one of another dataset than its name says.
    """
    manifests = {}
    for name, data in manifest_files(tree, settings.manifests).items():
        where = tree.where(manifest_path(settings, name))
        manifest = kind.from_bytes(data, where=where)
        artifact = manifest.artifact
        _check_subject(artifact.country, artifact.name, settings.country, name, where)
        manifests[name] = (manifest, data)
    return manifests


def manifest_path(settings: Settings, name: str) -> str:
    """Return where in a data repo the manifest of the dataset ``name`` lies, or would."""
    return f"{settings.manifests}/{name}{_SUFFIX}"


def _check_subject(
    country: str, name: str, expected_country: str, expected_name: str, where: str
) -> None:
    if (country, name) != (expected_country, expected_name):
        raise FormatError(
            f"is the manifest of {country}/{name}, not of {expected_country}/{expected_name}",
            where=where,
            remedy="Run `dvc repro`; manifests are not moved by hand.",
        )
