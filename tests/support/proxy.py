"""A proxy before an S3 server that misbehaves at one request, in the ways that networks have."""

from __future__ import annotations

import http.client
import http.server
import socket
import struct
import threading
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from tests.support.servers import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import Message as Headers

    from tests.support.servers import S3Bucket

Trick = Literal[
    "refuse before",
    "refuse after",
    "hang up before",
    "hang up after",
    "reset before",
    "reset after",
    "truncate",
    "repeat",
    "never end",
]
"""``before`` and ``after`` the server has done what was asked. ``never end`` claims 10 GB."""

ENDLESS = 10_000_000_000


class Proxy(http.server.ThreadingHTTPServer):
    """``trick`` is asked at each request, with its number, method and path, and may be None.

    ``instead`` is asked first, and may answer a request itself, with a status and a body.
    ``hidden`` are names of headers, in lower case, that the server does not get to see.
    ``status`` and ``code`` are what a refusal says. ``sent`` counts bytes of endless bodies.
    """

    daemon_threads = True

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = urlsplit(target)
        self.trick: Callable[[int, str, str], Trick | None] = lambda number, method, path: None
        self.instead: Callable[[str, str, Headers, bytes], tuple[int, bytes] | None] = (
            lambda method, path, headers, body: None
        )
        self.hidden: frozenset[str] = frozenset()
        self.status, self.code = 503, "SlowDown"
        self.requests: list[str] = []
        self.sent = 0
        self.counting = threading.Lock()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.server.counting:
            number = len(self.server.requests)
            self.server.requests.append(f"{self.command} {self.path}")
        own = self.server.instead(self.command, self.path, self.headers, body)
        if own is not None:
            self._answer(own[0], [], own[1], cut=False)
            return
        trick = self.server.trick(number, self.command, self.path)
        if trick == "refuse before":
            self._refuse()
        elif trick == "hang up before":
            self._hang_up()
        elif trick == "reset before":
            self._reset()
        elif trick == "never end":
            self._never_end()
        else:
            status, headers, answer = self._forward(body)
            if trick == "repeat":
                status, headers, answer = self._forward(body)
            if trick == "refuse after":
                self._refuse()
            elif trick == "hang up after":
                self._hang_up()
            elif trick == "reset after":
                self._reset()
            else:
                self._answer(status, headers, answer, cut=trick == "truncate")

    def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        target = self.server.target
        connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=60)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in self.server.hidden}
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        said = answer.getheaders()
        connection.close()
        return answer.status, said, content

    def _answer(
        self, status: int, headers: list[tuple[str, str]], content: bytes, *, cut: bool
    ) -> None:
        hidden = ("transfer-encoding", "connection", "date", "server")
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in (*hidden, "content-length" if content else ""):
                self.send_header(name, value)
        if content:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)
        if cut:
            self._hang_up()

    def _refuse(self) -> None:
        body = f"<Error><Code>{self.server.code}</Code><Message>No</Message></Error>".encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _hang_up(self) -> None:
        self.close_connection = True

    def _reset(self) -> None:
        at_once = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        self.rfile.close()
        self.connection.close()
        self.close_connection = True

    def _never_end(self) -> None:
        asked = (self.headers.get("Range") or "").removeprefix("bytes=")
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(ENDLESS))
        if asked:
            self.send_header("Content-Range", f"bytes {asked}/{ENDLESS}")
        self.send_header("ETag", '"endless"')
        self.send_header("Last-Modified", "Mon, 20 Apr 2026 12:00:00 GMT")
        self.end_headers()
        self.close_connection = True
        with suppress(OSError):
            while True:
                self.wfile.write(b" " * 65536)
                self.server.sent += 65536

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass_on  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing: the requests are kept in ``Proxy.requests``."""


@contextmanager
def before(bucket: S3Bucket) -> Iterator[tuple[Proxy, S3Bucket]]:
    """Run a proxy before the server of a bucket; yield it, and the bucket as seen through it."""
    with serving(Proxy(bucket.server.endpoint)) as proxy:
        endpoint = f"http://127.0.0.1:{proxy.server_port}"
        yield proxy, replace(bucket, server=replace(bucket.server, endpoint=endpoint))
