"""The manifests of a data repo: written by one stage of ``dvc repro``, read by everything else."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from pe_dvc.adapters.work_tree import WorkTree
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.pools import Pool
from pe_dvc.primitives.redact import redacted_params
from pe_dvc.primitives.result import Result
from pe_dvc.project.manifest_codebook import Codebooks
from pe_dvc.project.manifest_describe import describe_datasets
from pe_dvc.project.manifest_sidecars import SidecarFiles
from pe_dvc.project.manifest_withdrawn import notes_on_withdrawn
from pe_dvc.project.repo_files import manifest_files, manifest_path, read_dvc_files
from pe_dvc.project.settings import read_settings
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.usecases.checkout.describe import (
    first_manifest,
    is_of_other_bytes,
    manifest_bytes,
    outdated_texts,
)
from pe_dvc.usecases.parallel import run_all

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from pe_dvc.project.manifest_describe import Described
    from pe_dvc.project.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Written(Result):
    """What became of one manifest; ``sha256`` is of its bytes, None if there is none.

    A manifest is skipped where DVC has an artifact of the type ``dataset`` without ``meta.pe``.
    ``redacted`` are the parameters whose values it leaves out, as they look secret. ``outdated`` is
    what dvc.yaml or codebook.yaml says otherwise by now: a manifest of the same bytes stays.
    """

    name: str
    change: Literal["changed", "unchanged", "removed", "skipped"]
    sha256: Sha256 | None
    redacted: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What the description leaves to people, such as what is in the file and not described."""


def write_manifests(root: Path, names: Collection[str] = ()) -> list[Written]:
    """Write the manifest of every dataset that the repo at ``root`` declares, by name.

    With ``names`` of these alone, as where the others are built on other machines. Raises
    NotFoundError for one that is not declared.

    All or nothing: what is wrong with any dataset is found before anything is written. A manifest
    that would differ in ``build`` alone keeps its bytes, and so does that of a build which came
    back to an artifact of an earlier commit: an artifact has one manifest. That of a dataset no
    longer declared is removed. May run within ``dvc repro``: reads DVC's files and never asks DVC.

    Raises FormatError for a declaration or a file that is wrong, NotFoundError for a file that
    is missing, DigestMismatchError for one that changed since DVC hashed it.
    """
    from pe_dvc.adapters.git.repo import GitRepo

    settings, git = read_settings(root), GitRepo(root)
    tree, folder = ConfinedTree(root), settings.manifests
    tree.check_entries(folder, deep=True)
    dvc = read_dvc_files(root, git, strict=True)
    existing = manifest_files(WorkTree(root), folder)
    existing = {name: data for name, data in existing.items() if not names or name in names}
    codebooks = Codebooks(root, settings)
    described, checkout = describe_datasets(root, settings, dvc, git, existing, codebooks, names)
    paths = {name: manifest_path(settings, name) for name in existing | described}
    chosen = _choose(root, settings, described, existing, paths)
    manifests = {name: one.manifest for name, one in described.items()}
    withdrawn = notes_on_withdrawn(root, settings, manifests)
    sidecars = SidecarFiles(root, folder, codebooks, paths.values() if names else None)
    settled = _with_sidecars(sidecars, chosen, described, paths)
    if any(
        data != existing.get(name) and manifests[name].build.statement is None
        for name, data in settled.items()
    ):
        checkout.check_environment()
    written = [
        _written(described[name], data, existing.get(name), sidecars, paths[name], withdrawn)
        for name, data in settled.items()
    ]
    tree.make_folder(folder)
    for name, data in settled.items():
        if data != existing.get(name):
            tree.write(paths[name], data, durable=True)
    sidecars.write(tree)
    removed = [_remove(tree, folder, paths[name], name) for name in existing if name not in settled]
    if names:
        return [*written, *removed]
    others = [a.name for a in dvc.artifacts if a.type == "dataset" and not a.declares]
    skipped = [Written(name=name, change="skipped", sha256=None) for name in others]
    return [*written, *removed, *skipped]


class _Chosen(NamedTuple):
    """The bytes that a manifest is to have but for its sidecars, and those that it had before."""

    data: bytes
    before: list[bytes]


def _choose(
    root: Path,
    settings: Settings,
    described: Mapping[str, Described],
    existing: Mapping[str, bytes],
    paths: Mapping[str, str],
) -> dict[str, _Chosen]:
    """Return each manifest as it is, or was in an earlier commit, of the same artifact."""
    from pe_dvc.project.git_manifests import committed_manifests

    allowed, chosen = settings.allowed_params, {}
    for name, (manifest, *_) in described.items():
        kept = existing.get(name)
        data = manifest_bytes(manifest, kept, allowed_params=allowed)
        before = [] if kept is None else [kept]
        if is_of_other_bytes(kept, manifest):
            earlier = [data for data, _ in committed_manifests(root, paths[name])]
            data = first_manifest(manifest, earlier, allowed_params=allowed)
            before += earlier
        chosen[name] = _Chosen(data, before)
    return chosen


def _with_sidecars(
    sidecars: SidecarFiles,
    chosen: Mapping[str, _Chosen],
    described: Mapping[str, Described],
    paths: Mapping[str, str],
) -> dict[str, bytes]:
    """Return the bytes of each manifest, with the digests of its sidecars."""

    def settle(name: str) -> bytes:
        (data, before), one = chosen[name], described[name]
        stays = data in before
        return sidecars.settle(paths[name], data, one.manifest, one.subject, stays=stays)

    # Few at once: each profile that is made holds some hundred MiB.
    with Pool(min(os.cpu_count() or 1, 4)) as pool:
        return dict(zip(chosen, run_all(pool, settle, list(chosen)), strict=True))


def _written(
    described: Described,
    data: bytes,
    before: bytes | None,
    sidecars: SidecarFiles,
    path: str,
    withdrawn: Mapping[str, str],
) -> Written:
    manifest, name = described.manifest, described.manifest.artifact.name
    own = [withdrawn[name]] if name in withdrawn else []
    return Written(
        name=name,
        change="unchanged" if data == before else "changed",
        sha256=sha256_bytes(data),
        redacted=tuple(redacted_params(manifest.inputs.params)),
        outdated=(*outdated_texts(data, manifest), *sidecars.outdated(path, manifest)),
        notes=(*described.notes, *sidecars.notes(path, name), *own),
    )


def _remove(tree: ConfinedTree, folder: str, path: str, name: str) -> Written:
    tree.unlink(path)
    tree.remove_empty_folders(path.rpartition("/")[0], below=folder)
    return Written(name=name, change="removed", sha256=None)
