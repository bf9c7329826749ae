"""One HTTP/1.1 connection of ``s3_server``: requests in, responses out, at an emulated pace."""

from __future__ import annotations

import io
import os
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import parse_qsl, unquote

if TYPE_CHECKING:
    from benchmarks.s3_traffic import Traffic

BLOCK = 256 * 1024


class Readable(Protocol):
    """What a body is read from: a socket's buffer, or one coding peeled off another."""

    def readinto1(self, buffer: memoryview, /) -> int: ...

    def readline(self) -> bytes: ...


@dataclass
class Request:
    """One request, its body still unread."""

    method: str
    bucket: str
    key: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Readable


@dataclass
class Response:
    """A status, headers and either bytes or segments (offset, length) of an open file."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    file: int | None = None
    segments: list[tuple[int, int]] = field(default_factory=list)
    length: int | None = None
    """Content-Length where it is not that of what is sent: HEAD."""


def _read(source: Readable, buffer: memoryview) -> int:
    """Read a part of a body that has more. Raises ConnectionError where its sender went away."""
    if count := source.readinto1(buffer):
        return count
    raise ConnectionAbortedError


class Sized:
    """A body of known length."""

    def __init__(self, source: Readable, length: int) -> None:
        self._source, self._left = source, length

    def readinto1(self, buffer: memoryview, /) -> int:
        count = _read(self._source, buffer[: self._left]) if self._left else 0
        self._left -= count
        return count

    def readline(self) -> bytes:
        line = self._source.readline() if self._left else b""
        self._left -= len(line)
        return line


class Chunked:
    """A body in chunks, each after its length in hex: HTTP's coding, and aws-chunked alike.

    Extensions (``;chunk-signature=…``) and trailers (checksums) are read and ignored.
    """

    def __init__(self, source: Readable) -> None:
        self._source, self._left, self._done = source, 0, False

    def readinto1(self, buffer: memoryview, /) -> int:
        if not self._left and not self._done:
            self._next_chunk()
        if self._done:
            return 0
        count = _read(self._source, buffer[: self._left])
        self._left -= count
        if not self._left:
            self._source.readline()
        return count

    def readline(self) -> bytes:
        """Return up to a line's end; chunk borders may lie anywhere within it."""
        line = bytearray()
        one = memoryview(bytearray(1))
        while not line.endswith(b"\n") and self.readinto1(one):
            line += one
        return bytes(line)

    def _next_chunk(self) -> None:
        self._left = int(self._source.readline().split(b";")[0], 16)
        if not self._left:
            self._done = True
            while self._source.readline().strip():
                pass


class Connection:
    """A client's connection. ``traffic`` counts what passes and holds it to the set pace."""

    def __init__(self, sock: socket.socket, traffic: Traffic) -> None:
        self._sock, self._traffic = sock, traffic
        self._reader = cast("io.BufferedReader", sock.makefile("rb", BLOCK))
        self._buffer = memoryview(bytearray(BLOCK))

    def next_request(self) -> Request | None:
        """Return the next request, or None once the client has closed."""
        line = self._reader.readline().split()
        if len(line) != 3:
            return None
        headers: dict[str, str] = {}
        while field_line := self._reader.readline().strip():
            name, _, value = field_line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        method, target = line[0].decode(), line[1].decode()
        path, _, query = target.partition("?")
        bucket, _, key = unquote(path).lstrip("/").partition("/")
        if headers.get("expect", "").lower() == "100-continue":
            self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        fields = dict(parse_qsl(query, keep_blank_values=True))
        return Request(method, bucket, key, fields, headers, self._body(headers))

    def receive(self, request: Request, file: int, offset: int) -> int:
        """Write the request's body into ``file`` at ``offset``; return its length."""
        start = offset
        while count := request.body.readinto1(self._buffer):
            self._traffic.received(count)
            os.pwrite(file, self._buffer[:count], offset)
            offset += count
        return offset - start

    def discard(self, request: Request) -> int:
        """Read the request's body and forget it; return its length."""
        size = 0
        while count := request.body.readinto1(self._buffer):
            self._traffic.received(count)
            size += count
        return size

    def read(self, request: Request) -> bytes:
        """Return the rest of the request's body."""
        data = io.BytesIO()
        while count := request.body.readinto1(self._buffer):
            data.write(self._buffer[:count])
        return data.getvalue()

    def send(self, response: Response) -> None:
        length = response.length
        if length is None:
            length = len(response.body) + sum(size for _, size in response.segments)
        lines = [f"HTTP/1.1 {response.status} S3", f"Content-Length: {length}"]
        lines += [f"{name}: {value}" for name, value in response.headers.items()]
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        more = socket.MSG_MORE if response.segments else 0
        self._sock.sendall(head + response.body, more)
        self._traffic.sent(len(response.body))
        for offset, size in response.segments:
            self._send_file(response.file, offset, size)

    def _send_file(self, file: int | None, offset: int, size: int) -> None:
        assert file is not None
        end = offset + size
        while offset < end:
            block = min(end - offset, self._traffic.block)
            count = os.sendfile(self._sock.fileno(), file, offset, block)
            self._traffic.sent(count)
            offset += count

    def _body(self, headers: dict[str, str]) -> Readable:
        body: Readable = Sized(self._reader, int(headers.get("content-length", 0)))
        if "chunked" in headers.get("transfer-encoding", ""):
            body = Chunked(self._reader)
        if headers.get("x-amz-content-sha256", "").startswith("STREAMING-"):
            body = Chunked(body)
        return body

    def pause(self) -> None:
        """Wait as long as a request takes to come and go on the emulated link."""
        if self._traffic.latency:
            time.sleep(self._traffic.latency)
