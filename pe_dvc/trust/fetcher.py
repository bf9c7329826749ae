"""How python-tuf's client reads metadata from a store: bounded, and with errors kept apart.

Sections are those of the TUF specification, https://theupdateframework.github.io/specification/v1.0.33/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import channel_prefix
from pe_dvc.primitives.errors import (
    FormatError,
    NotFoundError,
    PeDvcError,
    StorePermissionError,
)
from pe_dvc.trust.country_and_role import check_country_and_role_of_file, role_of_file
from pe_dvc.trust.roles import MAX_LENGTH
from pe_dvc.trust.tuf_api import (
    DeserializationError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    FetcherInterface,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.store.port import ObjectInfo, ReadableStore


class StoreFetcher(FetcherInterface):
    """Reads through the Store port. URLs are file names below the country's channels.

    A store that is unavailable raises its own error straight through tuf, so that it is never
    taken for metadata that does not verify. ``last`` is the key and the bytes of the file read
    last, for messages.
    """

    def __init__(self, store: ReadableStore, country: str) -> None:
        self.store, self._country = store, country
        self._prefix = channel_prefix(country)
        self.last: tuple[str, bytes] = ("", b"")
        self.timestamp = b""
        """The timestamp that was read last, whatever became of it."""
        self.shown: dict[str, bytes | PeDvcError] = {}
        """What was read already, or why not, by name: each is used once, then read again."""

    def download_bytes(self, url: str, max_length: int) -> bytes:
        """Return a file of ``max_length`` bytes at most (5.3.3, 5.4.1, 5.5.1, 5.6.1).

        A longer one is not read, which an endless data attack would rely on. Metadata of another
        country or role goes no further, so that none persists which a shared key has signed.
        Raises VerificationError for that, tuf's DeserializationError for what is no JSON, and
        tuf's DownloadError, by which the workflow knows that there is no newer root (5.3.3).
        """
        name = url.lstrip("/")
        key = self._prefix + name
        self.last = (key, b"")
        data = self._read(name, max_length)
        self.last = (key, data)
        self.timestamp = data if name == "timestamp.json" else self.timestamp
        where = f"{self.store.url}/{key}"
        try:
            check_country_and_role_of_file(data, self._country, role_of_file(name), where=where)
        except FormatError as error:
            raise DeserializationError("Failed to deserialize JSON") from error
        return data

    def root(self, version: int) -> bytes:
        """Return a version of the root, unverified. Raises as ``download_bytes`` does."""
        return self.download_bytes(f"/{version}.root.json", MAX_LENGTH["root"])

    def snapshot(self, version: int) -> bytes:
        """Return a version of the snapshot, unverified. Raises as ``download_bytes`` does."""
        return self.download_bytes(f"/{version}.snapshot.json", MAX_LENGTH["snapshot"])

    def _read(self, name: str, limit: int) -> bytes:
        shown = self.shown.pop(name, None)
        try:
            if isinstance(shown, PeDvcError):
                raise shown
            return shown or self.store.read(self._prefix + name, limit=limit)[0]
        except NotFoundError as error:
            raise DownloadHTTPError(error.message, 404) from error
        except StorePermissionError as error:
            # S3 answers 403 for a missing object to readers that may not list the bucket.
            raise DownloadHTTPError(error.message, 403) from error
        except FormatError as error:
            raise DownloadLengthMismatchError(error.message) from error

    def _fetch(self, url: str) -> Iterator[bytes]:
        """Satisfy the interface; tuf's client asks for metadata by ``download_bytes``."""
        yield self.download_bytes(url, max(MAX_LENGTH.values()))


class TileReader:
    """Reads the tiles of a channel's log where a view is read; ``answers`` has them, by key."""

    def __init__(self, fetcher: StoreFetcher) -> None:
        self._fetcher = fetcher
        self.answers: dict[str, bytes] = {}

    @property
    def url(self) -> str:
        """The store's address, for messages."""
        return self._fetcher.store.url

    def read(self, key: str, *, limit: int) -> tuple[bytes, ObjectInfo]:
        """Return an object's bytes. Raises as the store does."""
        self._fetcher.last = (key, b"")
        data, info = self._fetcher.store.read(key, limit=limit)
        self.answers[key] = data
        return data, info
