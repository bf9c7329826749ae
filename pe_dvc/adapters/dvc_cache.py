"""DVC's cache on this machine: where an object lies in it, and its directory listings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.names import check_inside

if TYPE_CHECKING:
    from pathlib import Path


def object_path(cache_dir: Path, md5: str) -> Path:
    """Return where the cache holds the object of that hash (with ``.dir`` for a listing)."""
    return cache_dir / "files" / "md5" / md5[:2] / md5[2:]


def read_dir_listing(cache_dir: Path, md5: str) -> list[tuple[str, str]]:
    """Return the files of a tracked directory: path inside it, and DVC's md5.

    Raises NotFoundError where the cache lacks the listing, FormatError where it is damaged.
    """
    path = object_path(cache_dir, md5)
    try:
        entries = json.loads(path.read_bytes())
        listing = [(str(entry["relpath"]), str(entry["md5"])) for entry in entries]
    except FileNotFoundError:
        raise NotFoundError(
            f"the DVC cache has no listing of the directory {md5}: expected it at {path}",
            remedy="Run `dvc commit` where the data was built, or `dvc pull`.",
        ) from None
    except (ValueError, KeyError, TypeError):
        raise FormatError(
            "is not a directory listing of DVC's",
            where=str(path),
            remedy="Remove it and run `dvc pull`, or `dvc commit` where the data was built.",
        ) from None
    for inside, _ in listing:
        check_inside(inside, where=str(path))  # files are written by these paths
    return listing
