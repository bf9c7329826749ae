"""A payload that is in the bucket, and what its bytes must hash to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pe_dvc.usecases.object_digest import object_digest

if TYPE_CHECKING:
    from pe_dvc.store.port import ObjectInfo, Progress, ReadableStore


@dataclass(frozen=True)
class ExpectedPayload:
    """``what`` is the dataset, path or hash that it is of."""

    info: ObjectInfo
    what: str
    algorithm: Literal["sha256", "md5"]
    digest: str

    def hash(self, store: ReadableStore, progress: Progress) -> str:
        """Return what the bytes do hash to. Raises FormatError for an object that is no file."""
        key, size, algorithm = self.info.key, self.info.size, self.algorithm
        return object_digest(store, key, size, algorithm=algorithm, progress=progress)
