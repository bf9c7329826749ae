"""Bare git repos that lie in a clone, as ordinary files and folders of it.

Git takes a directory with ``HEAD``, ``objects`` and ``refs`` for a repo, and runs the programs that
the file ``config`` beside them names. It never lets a clone bring a ``.git``, but it does let it
bring these: see ``safe.bareRepository`` in git's documentation.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import UntrustedError

if TYPE_CHECKING:
    from pathlib import Path


def check_not_bare(place: Path, *, own: bool = False) -> None:
    """Raise UntrustedError where git would take ``place``, or what is around it, for a bare repo.

    With ``own`` only where that bare repo lies in a work tree, or in a data repo.
    """
    start = place.resolve()
    for folder in (start, *start.parents):
        if os.path.lexists(folder / ".git"):
            return
        if _has_form(folder):
            if own and not _came_along(folder):
                return
            raise UntrustedError(
                f"{folder} has the form of a bare git repo (HEAD, objects, refs), which can come "
                "with a clone and name programs for git to run",
                remedy="Nothing in it was read. Work in a clone that git made, outside of it.",
            )


def _has_form(folder: Path) -> bool:
    """Tell whether git takes a folder for a repo; its parts may be elsewhere (``commondir``)."""
    parts = (folder / "objects").is_dir() and (folder / "refs").is_dir()
    return os.path.lexists(folder / "HEAD") and (parts or os.path.lexists(folder / "commondir"))


def _came_along(folder: Path) -> bool:
    around = any(os.path.lexists(above / ".git") for above in folder.parents)
    return around or os.path.lexists(folder / ".dvc")
