"""A payload that is in the bucket, and what its bytes must hash to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pe_dvc.store.port import ObjectInfo, Progress, ReadableStore

BLOCK_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class ExpectedPayload:
    """``what`` is the dataset, path or hash that it is of."""

    info: ObjectInfo
    what: str
    algorithm: Literal["sha256", "md5"]
    digest: str

    def hash(self, store: ReadableStore, progress: Progress) -> str:
        """Return what the bytes do hash to. Raises FormatError for an object that is no file."""
        digest = hashlib.new(self.algorithm, usedforsecurity=False)
        for start in range(0, max(self.info.size, 1), BLOCK_BYTES):
            length = min(BLOCK_BYTES, self.info.size - start)
            block = store.read_range(self.info.key, start, length)
            digest.update(block)
            progress(len(block))
        return digest.hexdigest()
