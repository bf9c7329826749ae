"""Where a data repo begins. Every command that may stand in one asks, so this loads little."""

from __future__ import annotations

from pathlib import Path

from pe_dvc.adapters.git.bare import check_not_bare
from pe_dvc.adapters.git.ownership import check_owner
from pe_dvc.primitives.errors import NotFoundError

FILE = "pyproject.toml"
TABLE = "tool.pe_dvc"


def find_root(start: Path | None = None) -> Path:
    """Return the nearest directory at or above ``start`` (here) that is a DVC repo of pe_dvc's.

    Raises NotFoundError where there is no DVC repo, or one without a pyproject.toml, and
    UntrustedError for another user's, or one that git would take for a bare repo.
    """
    start = (start or working_directory()).resolve()
    found = nearest_dvc_repo(start)
    if found is not None:
        root = with_pyproject(found)
        check_owner(root, root / ".dvc")
        check_not_bare(root)
        return root
    raise NotFoundError(
        f"no DVC repo at {start} or above it: expected a directory .dvc",
        remedy="Run this in a clone of a data repo, or make one: `git init && pe-dvc init`. "
        "Without a clone data is read by pe-dvc ls, show and get.",
    )


def working_directory() -> Path:
    """Return the directory that this process is in. Raises NotFoundError where it was removed."""
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise NotFoundError(
            "the working directory was removed", remedy="Change to a directory that exists."
        ) from error


def nearest_dvc_repo(start: Path) -> Path | None:
    """Return the nearest DVC repo at or above ``start``; its owner is not looked at."""
    return next((place for place in (start, *start.parents) if _is_dvc_repo(place)), None)


def _is_dvc_repo(place: Path) -> bool:
    try:
        return (place / ".dvc").is_dir()
    except PermissionError:  # as where `sudo -u` or a service begins: it is no repo of this user's
        return False


def with_pyproject(root: Path) -> Path:
    """Return ``root`` if it has a pyproject.toml, else raise NotFoundError."""
    if not (root / FILE).is_file():
        raise NotFoundError(
            f"the DVC repo {root} has no {FILE}",
            remedy=f'Run pe-dvc init, or add {root / FILE} with [{TABLE}] and country = "us".',
        )
    return root
