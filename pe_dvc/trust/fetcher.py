"""How python-tuf's client reads metadata from a store: bounded, and with errors kept apart.

Sections are those of the TUF specification, https://theupdateframework.github.io/specification/v1.0.33/.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import channel_prefix
from pe_dvc.primitives.errors import (
    FormatError,
    NotFoundError,
    PeDvcError,
    StorePermissionError,
)
from pe_dvc.store.together import together
from pe_dvc.trust.country_and_role import check_country_and_role_of_file, role_of_file
from pe_dvc.trust.roles import MAX_LENGTH
from pe_dvc.trust.tuf_api import (
    DeserializationError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    FetcherInterface,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pe_dvc.store.port import ObjectInfo, ReadableStore

TIMESTAMP = "timestamp.json"


class StoreFetcher(FetcherInterface):
    """Reads through the Store port. URLs are file names below the country's channels.

    A store that is unavailable raises its own error straight through tuf, so that it is never
    taken for metadata that does not verify. ``last`` is the key and the bytes of the file read
    last, for messages.
    """

    def __init__(self, store: ReadableStore, country: str) -> None:
        self.store, self.country = store, country
        self._prefix = channel_prefix(country)
        self.last: tuple[str, bytes] = ("", b"")
        self.timestamp = b""
        """The timestamp that was read last, whatever became of it."""
        self.shown: dict[str, bytes | PeDvcError] = {}
        """What was read already, or why not, by name: each is used once, then read again."""
        self._ahead: dict[str, tuple[bytes, ObjectInfo] | PeDvcError] = {}

    def ask_ahead(self, files: Mapping[str, int]) -> None:
        """Ask side by side for files that are likely to be read, by name, with their limits.

        The answers wait until then, failures too, and are verified then as any other.
        """
        names = [name for name in files if name not in self.shown]

        def ask(name: str) -> None:
            key = self._prefix + name
            try:
                self._ahead[key] = self.store.read(key, limit=files[name])
            except PeDvcError as error:
                self._ahead[key] = error

        together(self.store, *(partial(ask, name) for name in names))

    def ask_where_it_stands(self, next_root: int) -> None:
        """Ask for the next root, if there is one, and for the timestamp, in the time of one answer.

        After a new root the timestamp is asked for once more: it may be the one of old keys.
        """
        root = f"{next_root}.root.json"
        self.ask_ahead({root: MAX_LENGTH["root"], TIMESTAMP: MAX_LENGTH["timestamp"]})
        found = self._ahead.get(self._prefix + root)
        if not isinstance(found, NotFoundError | StorePermissionError):
            self._ahead.pop(self._prefix + TIMESTAMP, None)

    def read(self, key: str, *, limit: int) -> tuple[bytes, ObjectInfo]:
        """Return an object's bytes, those that were asked for ahead, once. Raises as the store."""
        found = self._ahead.pop(key, None)
        if isinstance(found, PeDvcError):
            raise found
        return found or self.store.read(key, limit=limit)

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
        self.timestamp = data if name == TIMESTAMP else self.timestamp
        where = f"{self.store.url}/{key}"
        try:
            check_country_and_role_of_file(data, self.country, role_of_file(name), where=where)
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
            return shown or self.read(self._prefix + name, limit=limit)[0]
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
        data, info = self._fetcher.read(key, limit=limit)
        self.answers[key] = data
        return data, info
