"""A store that is never connected to: for reading what is on this machine already."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from pe_dvc.primitives.errors import StoreUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.store.atomic_write import OpenFile
    from pe_dvc.store.port import Progress

REMEDY = "Read it once online: without --offline, or offline=True in Python."
"""What to do about anything that was never read on this machine."""


class OfflineStore:
    """Has the address of a store, and raises StoreUnavailableError for everything else."""

    def __init__(self, url: str) -> None:
        self.url = url

    def head(self, key: str) -> NoReturn:
        """Raise StoreUnavailableError."""
        self._refuse("head", key)

    def read(self, key: str, *, limit: int) -> NoReturn:
        """Raise StoreUnavailableError."""
        self._refuse("read", key)

    def read_range(self, key: str, start: int, length: int) -> NoReturn:
        """Raise StoreUnavailableError."""
        self._refuse("read_range", key)

    def download(
        self, key: str, path: Path | OpenFile, *, size: int, progress: Progress | None = None
    ) -> NoReturn:
        """Raise StoreUnavailableError."""
        self._refuse("download", key)

    def list(self, prefix: str) -> NoReturn:
        """Raise StoreUnavailableError."""
        self._refuse("list", prefix)

    def _refuse(self, operation: str, key: str) -> NoReturn:
        raise StoreUnavailableError(
            f"{self.url}/{key} is not on this machine, and the store is not read offline",
            operation=operation,
            key=key,
            remedy=REMEDY,
        )
