"""A payload that is in the bucket, and what its bytes must hash to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pe_dvc.usecases.object_digest import object_digest
from pe_dvc.usecases.payload_place import PayloadPlace

if TYPE_CHECKING:
    from pe_dvc.store.port import ObjectInfo, Progress, ReadableStore


@dataclass(frozen=True)
class ExpectedPayload:
    """``what`` is the dataset, path or hash that it is of.

    ``place`` is where it is read, where that is not the bucket.
    """

    info: ObjectInfo
    what: str
    algorithm: Literal["sha256", "md5"]
    digest: str
    place: PayloadPlace | None = None

    def hash(self, store: ReadableStore, progress: Progress) -> str:
        """Return what the bytes do hash to. Raises FormatError for an object that is no file."""
        place = self.place or PayloadPlace(source=store, key=self.info.key)
        size, algorithm = self.info.size, self.algorithm
        return object_digest(place.source, place.key, size, algorithm=algorithm, progress=progress)
