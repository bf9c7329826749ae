"""What a check of a bucket remembers between its runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pe_dvc.store.port import ObjectInfo


class Journal(Protocol):
    """Remembers what was found good, between runs of one check."""

    def knows(self, info: ObjectInfo) -> bool:
        """Return whether this very object, by key and etag, was found good."""
        ...

    def add(self, info: ObjectInfo) -> None:
        """Remember that it was."""
        ...
