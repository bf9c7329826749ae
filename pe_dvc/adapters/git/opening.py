"""Opens a git repo with libgit2, where git itself would open it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from pe_dvc.adapters.git.bare import check_not_bare
from pe_dvc.adapters.git.ownership import check_owner
from pe_dvc.primitives.errors import NotFoundError, PeDvcError

_setting = threading.Lock()


def open_repository(place: Path, *, remedy: str, bare: bool = False) -> Any:
    """Return the ``pygit2.Repository`` at or around ``place``, a bare one only with ``bare``.

    Raises NotFoundError, with the remedy, where there is none, PeDvcError for one that libgit2
    cannot read, and UntrustedError for one that belongs to another user (``safe.directory``), or
    as ``check_not_bare`` does.
    """
    import pygit2

    check_not_bare(place, own=bare)
    try:
        found = pygit2.discover_repository(str(place))
        if found is None:
            raise NotFoundError(f"{place} is not in a git repo", remedy=remedy)
        return _open(found, place)
    except (pygit2.GitError, pygit2.InvalidError) as error:
        raise PeDvcError(
            f"the git repo around {place} cannot be read: {error}",
            remedy="pe_dvc reads git repos with libgit2, which knows SHA-1 objects and refs in "
            "files. Make a clone in that format.",
        ) from error


def _open(found: str, place: Path) -> Any:
    """Open it; of whether its owner is trusted, ``check_owner`` is the judge, as elsewhere.

    libgit2 reads ``safe.directory`` from files only, git from its environment, too.
    """
    import pygit2

    try:
        return pygit2.Repository(found)
    except pygit2.GitError as error:
        if "not owned by" not in str(error):
            raise
    check_owner(_top(place, Path(found)), Path(found))
    with _setting:
        pygit2.settings.owner_validation = False
        try:
            return pygit2.Repository(found)
        finally:
            pygit2.settings.owner_validation = True


def _top(place: Path, git_dir: Path) -> Path:
    """Return the directory that ``safe.directory`` must have: of a bare repo, it alone."""
    above = (path for path in (place, *place.parents) if (path / ".git").exists())
    return next(above, git_dir)
