"""DVC's listing of a tracked directory: the object that its hash, ending in ``.dir``, names.

Format: DVC 3, ``dvc_data.hashfile.tree.Tree.as_bytes``: a JSON list of ``{"md5", "relpath"}``.
"""

from __future__ import annotations

from typing import NamedTuple

from pe_dvc.documents.dvc_hash import is_listing, object_key
from pe_dvc.primitives.errors import FormatError, PeDvcError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.primitives.names import check_inside


class ListedFile(NamedTuple):
    """A file of a tracked directory: its path in there, and DVC's md5 of its bytes."""

    path: str
    md5: str


def parse_listing(data: bytes, *, where: str, remedy: str) -> list[ListedFile]:
    """Return the files that a listing names, in its order.

    Raises FormatError, with ``where`` and ``remedy``, for a listing that is damaged, and for a
    path or a hash in it that would lead out of the directory or out of the cache.
    """
    entries = read_json(data, what="a directory listing of DVC's", where=where, remedy=remedy)
    try:
        files = [ListedFile(entry["relpath"], entry["md5"]) for entry in entries]
        for path, md5 in files:
            check_inside(path, where=where)
            if is_listing(md5):
                raise ValueError(md5)
            object_key(md5)
    except PeDvcError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError):
        raise FormatError(
            "is not a directory listing of DVC's", where=where, remedy=remedy
        ) from None
    return files
