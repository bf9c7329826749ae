"""A bucket, or the files of a site, over HTTP on loopback, as browsers read it."""

from __future__ import annotations

import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from mimetypes import guess_type
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.primitives.errors import NotFoundError, StoreError, StorePermissionError
from tests.support.servers import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from pe_dvc.store.port import ReadableStore

_LIMIT = 2**30
_BLOCK = 2**16


class BucketServer(ThreadingHTTPServer):
    """Serves what a store has at the moment, to pages of any origin."""

    daemon_threads = True

    def __init__(self, store: ReadableStore) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.store = store

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def content(self, key: str) -> Iterator[bytes]:
        """Return an object, in blocks: those of a directory may be of any length."""
        if isinstance(self.store, LocalStore):
            with (Path(self.store.url) / key).open("rb") as file:
                while block := file.read(_BLOCK):
                    yield block
        else:
            yield self.store.read(key, limit=_LIMIT)[0]


class _Handler(BaseHTTPRequestHandler):
    server: BucketServer

    def do_GET(self) -> None:
        key = unquote(urlsplit(self.path).path).lstrip("/")
        status, blocks = self._answer(key)
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if asked and status == 200:
            status, blocks = 206, iter([b"".join(blocks)[int(asked[1]) : int(asked[2]) + 1]])
        self.send_response(status)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Type", guess_type(key)[0] or "application/octet-stream")
        self.end_headers()
        try:
            for block in blocks:
                self.wfile.write(block)
        except ConnectionError:
            pass  # the reader has read enough

    def do_OPTIONS(self) -> None:
        self.send_response(204)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Allow-Headers", "Range")
        self.end_headers()

    def _answer(self, key: str) -> tuple[int, Iterator[bytes]]:
        try:
            blocks = self.server.content(key)
            first = next(blocks, b"")
        except (NotFoundError, FileNotFoundError):
            return 404, iter(())
        except StorePermissionError:
            return 403, iter(())
        except StoreError:
            return 503, iter(())
        return 200, _chained(first, blocks)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def served(store: ReadableStore) -> AbstractContextManager[BucketServer]:
    """Serve a store while the body runs."""
    return serving(BucketServer(store))
