"""The digest of an object in a store, read block by block and kept nowhere."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
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
