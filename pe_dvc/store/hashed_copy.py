"""Copies of files, whose digest is that of the bytes as they are written."""

from __future__ import annotations

import hashlib
from typing import IO, TYPE_CHECKING

from pe_dvc.primitives.digest import Sha256

if TYPE_CHECKING:
    from pe_dvc.store.port import Progress

BLOCK_SIZE = 1024 * 1024


def hashed_copy(
    source: IO[bytes], target: IO[bytes], progress: Progress | None = None
) -> tuple[Sha256, int]:
    """Copy to the end of ``source``; return the sha256 of what was written, and its bytes."""
    digest, copied = hashlib.sha256(), 0
    while block := source.read(BLOCK_SIZE):
        target.write(block)
        digest.update(block)
        copied += len(block)
        if progress is not None:
            progress(len(block))
    return Sha256(digest.hexdigest()), copied
