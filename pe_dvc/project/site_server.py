"""Serves a site on this machine alone, with the signed metadata that its pages verify.

Only files of the site are served, and of the bucket what pages verify: signed metadata and
manifests. A request that names another host is refused: a page elsewhere whose name was made to
mean this machine could otherwise read with our credentials.
"""

from __future__ import annotations

import errno
import logging
import threading
from contextlib import ExitStack
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote, urlsplit

from pe_dvc.documents.keys import MANIFEST_LIMIT, is_metadata, parse_key
from pe_dvc.primitives.errors import ConflictError, FormatError, NotFoundError, PeDvcError
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.usecases.site import places

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pe_dvc.store.port import ReadableStore

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
BUCKET = "bucket"
_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "xml": "application/xml",
}
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class SiteServer:
    """A site on loopback, until it is closed; use it as a context. ``url`` is where it is."""

    def __init__(self, port: int, store: Callable[[str], ReadableStore] | None) -> None:
        """Take a port, any that is free for 0. ``store`` opens the bucket of a country.

        Raises ConflictError for a port that is in use.
        """
        self._tree: ConfinedTree | None = None
        self._store = store
        self._stack = ExitStack()
        try:
            self._server = ThreadingHTTPServer((HOST, port), partial(_Handler, self))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise ConflictError(
                f"port {port} of this machine is in use", remedy="Name another one with --port."
            ) from None
        self._server.daemon_threads = True
        self.url = f"http://{HOST}:{self._server.server_port}/"

    @property
    def bucket_url(self) -> str:
        """Where its pages read signed metadata."""
        return f"{self.url}{BUCKET}"

    def start(self, directory: Path, stack: ExitStack | None = None) -> Self:
        """Serve a directory from now on; ``stack`` is closed with the server."""
        self._tree = ConfinedTree(directory)
        self._stack = stack or self._stack
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()
        log.info("site %s at %s", directory, self.url)
        return self

    def wait(self) -> None:
        """Return when it is closed: until Ctrl-C in the command line."""
        self._thread.join()

    def close(self) -> None:
        """Serve no more, and remove what was made for it."""
        if self._tree is not None:
            self._server.shutdown()
        self._server.server_close()
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def answer(self, path: str) -> tuple[bytes, str]:
        """Return a file and its type. Raises NotFoundError, FormatError, OSError, StoreError."""
        head, _, key = path.partition("/")
        if head == BUCKET and self._store is not None:
            return self._verified_by_pages(key, self._store), _TYPES["json"]
        assert self._tree is not None
        path = path or places.HOME
        data = self._tree.read(path)
        return data, _TYPES.get(path.rpartition(".")[2], "application/octet-stream")

    @staticmethod
    def _verified_by_pages(key: str, store: Callable[[str], ReadableStore]) -> bytes:
        kind = parse_key(key)
        if is_metadata(key):
            return store(key.split("/")[1]).read(key, limit=MANIFEST_LIMIT)[0]
        if kind is None or kind.kind != "manifest":
            raise NotFoundError(f"{key} is neither signed metadata nor a manifest")
        return store(key.partition("/")[0]).read(key, limit=MANIFEST_LIMIT)[0]


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, site: SiteServer, *given: Any) -> None:
        self._site = site
        super().__init__(*given)

    def do_GET(self) -> None:
        self._send(*self._found(), body=True)

    def do_HEAD(self) -> None:
        self._send(*self._found(), body=False)

    def _found(self) -> tuple[HTTPStatus, bytes, str]:
        plain = "text/plain; charset=utf-8"
        if f"http://{self.headers.get('Host', '')}/" != self._site.url:
            return HTTPStatus.MISDIRECTED_REQUEST, b"another host was asked for\n", plain
        path = unquote(urlsplit(self.path).path).removeprefix("/")
        try:
            return HTTPStatus.OK, *self._site.answer(path)
        except (NotFoundError, FormatError):
            return HTTPStatus.NOT_FOUND, b"not found\n", plain
        except PeDvcError as error:
            return HTTPStatus.BAD_GATEWAY, f"{error.message}\n".encode(), plain
        except OSError:
            return HTTPStatus.NOT_FOUND, b"not found\n", plain

    def _send(self, status: HTTPStatus, data: bytes, kind: str, *, body: bool) -> None:
        self.send_response(status)
        headers = {"Content-Type": kind, "Content-Length": str(len(data)), **_HEADERS}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, form: str, *values: Any) -> None:
        log.debug(form, *values)
