"""Removes the parts of uploads that were begun and not ended, as garbage of the bucket."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.errors import NotFoundError, StoreError

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from pe_dvc.store.unfinished import Unfinished, UnfinishedUploads


@dataclass(kw_only=True)
class Uploads:
    """What ``gc`` found of them, and did; ``untold`` is why it could not ask."""

    found: list[Unfinished] = field(default_factory=list)
    removed: int = 0
    removed_bytes: int = 0
    failures: dict[str, StoreError] = field(default_factory=dict)
    untold: str | None = None

    @property
    def found_bytes(self) -> int:
        """Bytes of all that were found."""
        return sum(one.size for one in self.found)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "found": [one.to_json() for one in self.found],
            "removed": self.removed,
            "removed_bytes": self.removed_bytes,
            "failures": {key: error.message for key, error in self.failures.items()},
            "untold": self.untold,
        }


def find_uploads(
    uploads: UnfinishedUploads | None, folder: str, *, now: datetime, grace: timedelta
) -> Uploads:
    """Return the uploads below ``folder`` that were begun before ``grace``.

    Empty where the store has no such thing. A server that does not tell them, or not to us, is no
    reason to collect nothing.
    """
    if uploads is None:
        return Uploads()
    try:
        return Uploads(found=uploads.begun_before(folder, now - grace))
    except StoreError as error:
        return Uploads(untold=error.message)


def remove_uploads(uploads: UnfinishedUploads | None, found: Uploads) -> None:
    """Remove what was found, and note it; goes on after one that cannot be removed."""
    if uploads is not None:
        for upload in found.found:
            _remove(uploads, upload, found)


def _remove(uploads: UnfinishedUploads, upload: Unfinished, found: Uploads) -> None:
    try:
        uploads.remove(upload)
    except NotFoundError:
        return  # its publisher ended it, or another collector was first
    except StoreError as error:
        found.failures[upload.key] = error
        return
    found.removed += 1
    found.removed_bytes += upload.size
