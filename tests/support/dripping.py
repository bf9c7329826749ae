"""A server whose answer never ends: it sends a byte again and again, before any time-out."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = b"HTTP/1.1 200 OK\r\nX-Slow: "
CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;"


@contextmanager
def dripping(begin: bytes) -> Iterator[str]:
    """Yield the address of a server that answers with ``begin``, and then drips."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    connection.recv(64 * 1024)
                    connection.sendall(begin)
                    while not ended.wait(0.05):
                        connection.sendall(b"a")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            ended.set()
            thread.join(10)
