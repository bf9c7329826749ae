"""What a request asks for: a key, and which bytes of it. Pure: hostile text has another form."""

from __future__ import annotations

import re
from typing import NamedTuple

_PATH = re.compile(rb"/([A-Za-z0-9][A-Za-z0-9._/+-]{0,1023})")
_RANGE = re.compile(r"bytes=([0-9]{0,19})-([0-9]{0,19})")
_ETAG = re.compile(r'(?:W/)?("[!#-~]{0,256}")')


class Bytes(NamedTuple):
    """The bytes of an object from ``first`` to ``last``, both included."""

    first: int
    last: int


def key_of(raw_path: bytes) -> str | None:
    """Return the key in the path of a request, as it came, None for what can be no key.

    Keys have plain letters, so what is encoded, however often, is none.
    """
    match = _PATH.fullmatch(raw_path)
    if match is None:
        return None
    key = match[1].decode("ascii")
    return None if any(part in ("", ".", "..") for part in key.split("/")) else key


def wanted_bytes(header: str | None, size: int) -> Bytes | None:
    """Return the range that a header ``Range`` asks for, None for the whole.

    Raises ValueError, which says why, for what is several ranges, or lies behind the end.
    """
    if header is None or not header.strip().lower().startswith("bytes"):
        return None
    if "," in header:
        raise ValueError("one range is served at a time")
    match = _RANGE.fullmatch("".join(header.split()))
    if match is None or not (match[1] or match[2]):
        raise ValueError("the range is not of the form bytes=0-99")
    if not match[1]:
        length = min(int(match[2]), size)
        if length == 0:
            raise ValueError("the range is empty")
        return Bytes(size - length, size - 1)
    first = int(match[1])
    last = min(int(match[2]), size - 1) if match[2] else size - 1
    if first >= size:
        raise ValueError(f"the object has {size} bytes")
    if last < first:
        raise ValueError("the range ends before it begins")
    return Bytes(first, last)


def names_etag(header: str | None, etag: str) -> bool:
    """Tell whether a header such as ``If-None-Match`` names an etag."""
    if header is None:
        return False
    return header.strip() == "*" or etag in _ETAG.findall(header[:4096])
