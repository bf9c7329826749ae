"""Which bucket an address names, however it is spelled: state belongs to the bucket."""

from __future__ import annotations

import hashlib
import os
import re
from urllib.parse import unquote, urlsplit

_DEFAULT_PORT = r":(80|443)?$"
_DIRECTORY = "directory:"
_DIRECTORY_NAME = rf"{_DIRECTORY}([0-9a-f]{{16}})"


def bucket_identity(url: str) -> str:
    """Return one spelling for all addresses of a bucket, or of a directory.

    Links and ``..`` on the way to a directory are resolved. Case of scheme and bucket, percent
    escapes, repeated or trailing slashes and a default port make no difference. Whether another
    endpoint is another bucket cannot be told: an S3 address does not name it.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return os.path.realpath(url)
    if scheme.lower() == "file":
        return os.path.realpath(unquote(urlsplit(url).path))
    bucket, *prefix = unquote(rest).split("/")
    named = re.sub(_DEFAULT_PORT, "", bucket.lower())
    return "/".join([f"{scheme.lower()}://{named}", *filter(None, prefix)])


def bucket_id(url: str) -> str:
    """Return 16 hexadecimal digits that stand for the bucket at ``url`` in names of directories."""
    return short_id(bucket_identity(url))


def place_name(url: str) -> str:
    """Return the name of a store in documents that others read: of a directory, no path."""
    identity = bucket_identity(url)
    return identity if "://" in identity else f"{_DIRECTORY}{short_id(identity)}"


def id_of_place(name: str) -> str:
    """Return the ``bucket_id`` of the store that ``place_name`` names.

    Of a name that others wrote as well, it is never more than 16 hexadecimal digits.
    """
    directory = re.fullmatch(_DIRECTORY_NAME, name)
    return directory[1] if directory else short_id(name)


def short_id(text: str) -> str:
    """Return the first 16 hexadecimal digits of a text's sha256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
