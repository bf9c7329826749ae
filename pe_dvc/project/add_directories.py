"""Directories that are added: each is one dataset, or each of its files is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.adapters.folder_walk import paths_below
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.names import check_in_work_tree

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pe_dvc.documents.dvc_output import Output


def files_of_directories(root: Path, paths: Iterable[str], *, each: bool) -> dict[str, str]:
    """Return the path of each dataset, and what DVC is to track for it.

    With ``each``, the files of a directory for it, but not hidden ones; DVC tracks the whole.
    Raises FormatError for a directory without files.
    """
    found: dict[str, str] = {}
    for path in paths:
        if each and (root / path).is_dir():
            inside = sorted(paths_below(root / path, without=(".",)))
            if not inside:
                raise _empty(path)
            found |= {check_in_work_tree(f"{path}/{name}", where=path): path for name in inside}
        else:
            found[path] = path
    return found


def check_cached(path: str, output: Output | None) -> None:
    """Refuse what a stage makes for git, such as the manifests. Raises FormatError.

    As a dataset git would ignore it, and what is new in it would be in no commit.
    """
    if output is not None and not output.cached:
        raise FormatError(
            f"{path} is not cached by DVC (cache: false), so it could not be downloaded",
            remedy=f"Remove cache: false from the out {output.path} in dvc.yaml, if it is data.",
        )


def check_directory(path: str, place: Path, output: Output | None, tracked: Iterable[str]) -> None:
    """Refuse a directory that cannot be one dataset: without files, with links, a part of another.

    ``output`` is what DVC tracks it as, or in; ``tracked`` are all paths that DVC tracks. Raises
    FormatError.
    """
    files = sum(1 for _ in paths_below(place, without=(".",)))  # looks at all folders
    if not files:
        raise _empty(path)
    if output is not None and output.path != path:
        raise FormatError(
            f"{path} is a folder in {output.path}, which DVC tracks as a whole",
            remedy=f"Add {output.path}, or files in {path}: pe-dvc add --each {path}.",
        )

    inside = min((other for other in tracked if other.startswith(f"{path}/")), default=None)
    if inside is not None:
        raise FormatError(
            f"{path} is a directory, and DVC tracks {inside} in it by itself",
            remedy=f"Add the other files, such as {path}/*; or stop tracking what is in it, and "
            "add the directory.",
        )


def _empty(path: str) -> FormatError:
    return FormatError(
        f"{path} is a directory without files, and a dataset has some",
        remedy="Build it with files in it.",
    )
