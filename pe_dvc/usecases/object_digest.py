"""Digests of objects: read block by block from a store, or of bytes and files that came of it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from io import BufferedReader, FileIO

    from pe_dvc.store.port import ObjectSource, Progress

BLOCK_BYTES = 8 * 1024 * 1024


def object_digest(
    store: ObjectSource,
    key: str,
    size: int,
    *,
    algorithm: Literal["sha256", "md5"] = "sha256",
    progress: Progress | None = None,
) -> str:
    """Return the digest (hex) of an object's first ``size`` bytes.

    Raises FormatError for what is no file in a directory, NotFoundError and StoreError.
    """
    digest = hashlib.new(algorithm, usedforsecurity=False)
    for start in range(0, max(size, 1), BLOCK_BYTES):  # an empty object is opened, too
        block = store.read_range(key, start, min(BLOCK_BYTES, size - start))
        digest.update(block)
        if progress is not None:
            progress(len(block))
    return digest.hexdigest()


def md5_bytes(data: bytes) -> str:
    """Return the md5 (hex) of bytes, which DVC names objects by."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def md5_file(file: BufferedReader | FileIO) -> str:
    """Return the md5 (hex) of an open file, from where it stands."""
    return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
