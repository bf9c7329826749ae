"""The files of inputs that are directories, as their digests in manifests count them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.adapters.git.repo import GitRepo


def files_of(folder: Path) -> dict[str, Path]:
    """Return the files of a raw input by their paths in it."""
    return {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}


def code_files_of(root: Path, path: str, git: GitRepo) -> dict[str, Path]:
    """Return the same of code at ``path`` below ``root``, without what git ignores."""
    with git.ignore_rules() as ignored:
        return {
            inside: file
            for inside, file in files_of(root / path).items()
            if not ignored(f"{path}/{inside}")
        }
