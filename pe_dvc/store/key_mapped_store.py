"""A store that maps the bucket's keys to other places, such as files on a hub."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import PeDvcError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.atomic_write import OpenFile
    from pe_dvc.store.port import ObjectInfo, ObjectSource, Progress

Find = Callable[[str], tuple["ObjectSource", str]]
"""Returns the store that has the object of a key, and its key there. Raises NotFoundError."""


class KeyMappedStore:
    """A ``ReadableStore`` that reads an object by the bucket's key from where ``find`` says.

    ``url`` is its address for messages. Each operation also raises what ``find`` raises.
    """

    def __init__(self, url: str, find: Find) -> None:
        self.url, self._find = url, find

    def address(self, key: str) -> str:
        """Return the address of an object, as far as that is known."""
        try:
            source, path = self._find(key)
        except PeDvcError:
            return self.url
        return f"{source.url}/{path}"

    def head(self, key: str) -> ObjectInfo:
        """See ReadableStore.head."""
        source, path = self._find(key)
        return source.head(path)

    def read(self, key: str, *, limit: int) -> tuple[bytes, ObjectInfo]:
        """See ReadableStore.read."""
        source, path = self._find(key)
        return source.read(path, limit=limit)

    def read_range(self, key: str, start: int, length: int) -> bytes:
        """See ReadableStore.read_range."""
        source, path = self._find(key)
        return source.read_range(path, start, length)

    def download(
        self, key: str, path: Path | OpenFile, *, size: int, progress: Progress | None = None
    ) -> Sha256:
        """See ReadableStore.download."""
        source, there = self._find(key)
        return source.download(there, path, size=size, progress=progress)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See ReadableStore.list: what is at other places is not listed."""
        return iter(())
