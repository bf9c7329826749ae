"""DVC's cache on this machine: where an object lies in it, and its directory listings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.documents.dvc_hash import object_key
from pe_dvc.documents.dvc_listing import ListedFile, parse_listing
from pe_dvc.documents.keys import LISTING_LIMIT
from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.store.plain_files import read_document

if TYPE_CHECKING:
    from pe_dvc.documents.dvc_output import Output


def object_path(cache_dir: Path, md5: str) -> Path:
    """Return where the cache holds the object of that hash (with ``.dir`` for a listing)."""
    return Path(object_place(cache_dir, md5))


def object_place(cache_dir: Path, md5: str) -> str:
    """Return the same as text, for those who ask thousands of times."""
    return f"{cache_dir}/{object_key(md5)}"


def read_dir_listing(cache_dir: Path, md5: str) -> list[ListedFile]:
    """Return the files of a tracked directory.

    Raises NotFoundError where the cache lacks the listing, FormatError where it is damaged.
    """
    path = object_path(cache_dir, md5)
    try:
        data = read_document(path, limit=LISTING_LIMIT)
    except FileNotFoundError:
        raise NotFoundError(
            f"the DVC cache has no listing of the directory {md5}: expected it at {path}",
            remedy="Run `dvc commit` where the data was built, or `dvc pull`.",
        ) from None
    return parse_listing(
        data,
        where=str(path),
        remedy="Remove it and run `dvc pull`, or `dvc commit` where the data was built.",
    )


class DvcListings:
    """The listings of tracked directories in a cache, each read once."""

    def __init__(self, cache_dir: Path) -> None:
        self._cache_dir = cache_dir
        self._read: dict[str, dict[str, str]] = {}

    def path(self, md5: str) -> Path:
        """Return where the object of that hash lies, or would."""
        return object_path(self._cache_dir, md5)

    def files(self, md5: str) -> dict[str, str]:
        """Return DVC's md5 of each file of a directory. Raises as ``read_dir_listing``."""
        if md5 not in self._read:
            self._read[md5] = dict(read_dir_listing(self._cache_dir, md5))
        return self._read[md5]

    def md5_of(self, output: Output, path: str) -> str | None:
        """Return DVC's md5 of ``path`` in a repo, which ``output`` is or holds.

        None where DVC recorded none. Raises as ``read_dir_listing``.
        """
        if output.md5 is None or not output.is_directory or path == output.path:
            return output.md5
        return self.files(output.md5).get(path.removeprefix(f"{output.path}/"))
