"""DVC's hashes, and where an object of that hash lies in a cache or a remote of DVC 3."""

from __future__ import annotations

import re

from pe_dvc.primitives.errors import FormatError

OBJECTS = "files/md5/"
"""Folder of all objects, in DVC's cache and in a remote."""

PATTERN = r"^[0-9a-f]{32}(\.dir)?$"
"""Of a hash, for the JSON Schema of documents."""

_LISTING = ".dir"
_MD5 = r"[0-9a-f]{32}(?:\.dir)?"


def object_key(md5: str) -> str:
    """Return where the object lies, below a cache or a remote.

    Raises FormatError for what is no hash of DVC's, so that none can climb out of the folder.
    """
    if not re.fullmatch(_MD5, md5):
        raise FormatError(f"{md5!r} is not a hash of DVC's: expected 32 hexadecimal digits")
    return f"{OBJECTS}{md5[:2]}/{md5[2:]}"


def is_listing(md5: str) -> bool:
    """Tell whether a hash is that of a directory, whose object lists the files in it."""
    return md5.endswith(_LISTING)


def listing_hash(md5: str) -> str:
    """Return DVC's hash of a directory, given the md5 of its listing's bytes."""
    return f"{md5}{_LISTING}"


def bare_md5(md5: str) -> str:
    """Return the md5 of an object's bytes: a directory's hash without its suffix."""
    return md5.removesuffix(_LISTING)
