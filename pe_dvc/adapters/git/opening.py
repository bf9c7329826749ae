"""Opens a git repo with libgit2, where git itself would open it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.git.bare import check_not_bare
from pe_dvc.adapters.git.command import run_git
from pe_dvc.primitives.errors import NotFoundError, PeDvcError

if TYPE_CHECKING:
    from pathlib import Path

_setting = threading.Lock()


def open_repository(place: Path, *, remedy: str, bare: bool = False) -> Any:
    """Return the ``pygit2.Repository`` at or around ``place``, a bare one only with ``bare``.

    Raises NotFoundError, with the remedy, where there is none, and PeDvcError for one that
    belongs to another user (``safe.directory``), or that libgit2 cannot read; UntrustedError as
    ``check_not_bare`` does.
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
    """Open it, and leave it to git whether its owner is trusted.

    libgit2 reads ``safe.directory`` from files only, git from its environment, too.
    """
    import pygit2

    try:
        return pygit2.Repository(found)
    except pygit2.GitError as error:
        if "not owned by" not in str(error):
            raise
    _check_owner(place)
    with _setting:
        pygit2.settings.owner_validation = False
        try:
            return pygit2.Repository(found)
        finally:
            pygit2.settings.owner_validation = True


def _check_owner(place: Path) -> None:
    done = run_git(place, "rev-parse", "--git-dir")
    if done.returncode:
        raise PeDvcError(
            f"git does not open the repo around {place}: {done.stderr.strip().splitlines()[0]}",
            remedy="If you trust what is in it, run: "
            f"git config --global --add safe.directory {_top(place)}",
        )


def _top(place: Path) -> Path:
    above = (path for path in (place, *place.parents) if (path / ".git").exists())
    return next(above, place)
