"""How python-tuf's client reads metadata from a store: bounded, and with errors kept apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import channel_prefix
from pe_dvc.primitives.errors import FormatError, NotFoundError, StorePermissionError
from pe_dvc.trust.roles import MAX_LENGTH
from pe_dvc.trust.tuf_api import DownloadHTTPError, DownloadLengthMismatchError, FetcherInterface

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.store.port import Store


class StoreFetcher(FetcherInterface):
    """Reads through the Store port. URLs are file names below the country's channels.

    A store that is unavailable raises its own error straight through tuf, so that it is never
    taken for metadata that does not verify. ``last`` is the key and the bytes of the file read
    last, for messages.
    """

    def __init__(self, store: Store, country: str) -> None:
        self._store = store
        self._prefix = channel_prefix(country)
        self.last: tuple[str, bytes] = ("", b"")

    def download_bytes(self, url: str, max_length: int) -> bytes:
        """Return a file of ``max_length`` bytes at most; a longer one is not read."""
        key = self._prefix + url.lstrip("/")
        self.last = (key, b"")
        try:
            data, _ = self._store.read(key, limit=max_length)
        except NotFoundError as error:
            raise DownloadHTTPError(str(error), 404) from error
        except StorePermissionError as error:
            # S3 answers 403 for a missing object to whoever may not list the bucket.
            raise DownloadHTTPError(str(error), 403) from error
        except FormatError as error:
            raise DownloadLengthMismatchError(
                f"longer than the {max_length} bytes that it may have"
            ) from error
        self.last = (key, data)
        return data

    def _fetch(self, url: str) -> Iterator[bytes]:
        """Satisfy the interface; tuf's client asks for metadata by ``download_bytes``."""
        yield self.download_bytes(url, max(MAX_LENGTH.values()))
