"""Data files in a clone that nothing declares yet, to suggest them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pe_dvc.adapters.dvc.files import DvcFiles
    from pe_dvc.adapters.git.repo import GitRepo
    from pe_dvc.project.settings import Settings

MOST = 2000
"""Files that are found at most."""
_ENVIRONMENTS = ("pyvenv.cfg", "conda-meta")
"""What a directory has that is a Python environment."""
_FORMATS = ("parquet", "hdf5", "npz", "npy", "sqlite")
"""Formats, by their names, that hold data and nothing else: csv and json may be anything."""
_PASSED_OVER = ("node_modules", "__pycache__", "tests", "test")


def find_data_files(root: Path, settings: Settings, git: GitRepo, dvc: DvcFiles) -> list[str]:
    """Return the paths of data files below ``root`` that git does not track, sorted.

    Data files are known by their suffixes. Those that dvc.yaml declares are left out, and those in
    hidden folders, environments and tests.
    """
    declared = {artifact.path for artifact in dvc.artifacts if artifact.declares}
    own = {settings.manifests, settings.channels}
    found: list[str] = []
    for path in _data_files(root, own):
        if path not in declared and not git.tracks(path):
            found.append(path)
        if len(found) == MOST:
            break
    return sorted(found)


def _data_files(root: Path, own: set[str]) -> Iterator[str]:
    from pe_dvc.adapters.tables.formats import FORMATS

    formats = [one for one in FORMATS if one.name in _FORMATS]
    suffixes = tuple(suffix for one in formats for suffix in one.suffixes)
    for folder, folders, files in os.walk(root):
        below = os.path.relpath(folder, root)
        prefix = "" if below == "." else f"{below}/"
        folders[:] = [] if any(mark in (*folders, *files) for mark in _ENVIRONMENTS) else folders
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".")
            and name not in _PASSED_OVER
            and f"{prefix}{name}" not in own
        ]
        yield from (f"{prefix}{name}" for name in files if name.lower().endswith(suffixes))
