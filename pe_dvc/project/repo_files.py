"""The files of a data repo that every command starts from, read without loading any model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.documents.payload import Payload
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.adapters.dvc.files import DvcFiles
    from pe_dvc.adapters.git.repo import GitRepo

_SUFFIX = ".json"


def read_dvc_files(root: Path, git: GitRepo | None = None) -> DvcFiles:
    """Return what DVC's files say, passing over directories that git ignores, as DVC does."""
    from pe_dvc.adapters.dvc.files import DvcFiles
    from pe_dvc.adapters.git.repo import GitRepo
    from pe_dvc.adapters.work_tree import WorkTree

    return DvcFiles.read(WorkTree(root), ignored=(git or GitRepo(root)).ignores)


def manifest_files(directory: Path) -> dict[str, bytes]:
    """Return the bytes of the manifests that lie in ``directory``, by the names of datasets."""
    found = {}
    for folder, _, names in os.walk(directory):
        for name in names:
            if name.endswith(_SUFFIX):
                inside = f"{folder}/{name}"[len(str(directory)) + 1 : -len(_SUFFIX)]
                with Path(folder, name).open("rb", buffering=0) as file:
                    found[inside] = file.read()
    return dict(sorted(found.items()))


def read_payloads(directory: Path) -> Iterator[Payload]:
    """Yield the payload of each manifest in ``directory``.

    Raises FormatError for a file that is no manifest, or that lies under another's name.
    """
    for name, data in manifest_files(directory).items():
        where = str(manifest_path(directory, name))
        payload = Payload.of_manifest(data, where=where)
        check_subject(payload.name, name, where=where)
        yield payload


def manifest_path(directory: Path, name: str) -> Path:
    """Return where the manifest of the dataset ``name`` lies, or would."""
    return directory / f"{name}{_SUFFIX}"


def check_subject(actual: str, name: str, *, where: str) -> None:
    """Raise FormatError for a manifest of another dataset than its file's name says."""
    if actual != name:
        raise FormatError(
            f"is the manifest of {actual}, not of {name}",
            where=where,
            remedy="Run `dvc repro`; manifests are not moved by hand.",
        )
