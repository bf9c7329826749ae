"""Bytes of an open file by their offsets: written whole, and hashed in memory that is bounded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import hashlib

    from typing_extensions import Buffer

BLOCK = 1024 * 1024
"""Bytes that are read at a time to be hashed."""


def write_at(descriptor: int, data: Buffer, start: int) -> int:
    """Write all of ``data`` at an offset; return how many bytes that were."""
    view = memoryview(data)
    written = 0
    while written < len(view):
        written += os.pwrite(descriptor, view[written:], start + written)
    return written


def hash_range(
    digest: hashlib._Hash, descriptor: int, start: int, end: int, block: memoryview
) -> int:
    """Hash what a file holds from ``start`` to ``end``, by way of ``block``.

    Return where that ended: before ``end`` if the file did.
    """
    while start < end and (got := os.preadv(descriptor, [block[: end - start]], start)):
        digest.update(block[:got])
        start += got
    return start
