"""The parts that a large object is uploaded in: how large, and how many at once."""

from __future__ import annotations

from pe_dvc.primitives.errors import FormatError
from pe_dvc.store.port import UPLOAD_MEMORY

_MIB = 1024 * 1024

PART_SIZE = 8 * _MIB
"""Bytes of a part of an upload, as long as there are not too many."""
MAX_PARTS = 10_000
"""Parts that S3 takes of one object."""
LARGEST_OBJECT = 5 * 1024**4
"""Bytes of the largest object: what Google's buckets take, and most servers that are like S3."""
RESUMED_FROM = 512 * _MIB
"""Bytes of a file from which on S3 is asked for an upload of it that did not end: the question
takes 0.2 s, most of it to load botocore."""


def part_size(size: int, *, what: str) -> int:
    """Return the bytes of a part of an upload of ``size``; what is no longer needs no parts.

    Raises FormatError, naming ``what`` is to be uploaded, where no bucket would take it.
    """
    if size > LARGEST_OBJECT:
        raise FormatError(
            f"has {size:,} bytes, and a bucket takes {LARGEST_OBJECT:,} (5 TiB) at most",
            where=what,
            remedy="Write it as several files in a directory, and track that.",
        )
    return max(PART_SIZE, -(-size // MAX_PARTS))


def parts_in_flight(part: int) -> int:
    """Return how many parts of so many bytes are sent at once: the larger they are, the fewer.

    Each is held in memory until it has arrived, and so is the one that is being filled.
    """
    return max(2, min(16, UPLOAD_MEMORY // part))
