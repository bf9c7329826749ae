"""The gateway as a process: sockets, timeouts, signals, and figures on a port of their own."""

from __future__ import annotations

import errno
import logging
import socket
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from pe_dvc.primitives.errors import ConflictError, FormatError, PeDvcError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from starlette.types import ASGIApp

    from pe_dvc.gateway.app import Gateway

log = logging.getLogger(__name__)

HEADER_BYTES = 32 * 1024
"""Of all headers of a request: a passport is long."""
HEADER_SECONDS = 10.0
KEEP_ALIVE_SECONDS = 15
SHUTDOWN_SECONDS = 30
CONNECTIONS = 1000


class Hasty(H11Protocol):
    """HTTP/1.1, of which the headers must come soon: uvicorn waits for them for any time."""

    _deadline: asyncio.TimerHandle | None = None

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        # uvicorn's own log has whole addresses, where a token may have been put by mistake.
        self.access_log = False

    def connection_made(self, transport: Any) -> None:
        """Give a new connection its time."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Give a request that began its time, until its headers are there."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the time."""
        self._forget()
        super().connection_lost(exc)

    def _watch(self) -> None:
        # A body that no one waits for counts as well: parts of it would keep the connection.
        is_sending = self.conn.their_state is h11.SEND_BODY
        begun = self.cycle is None or is_sending or bool(self.conn.trailing_data[0])
        if begun and (self.cycle is None or self.cycle.response_complete):
            if self._deadline is None:
                self._deadline = self.loop.call_later(HEADER_SECONDS, self._too_slow)
        else:
            self._forget()

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if self.cycle is None or self.cycle.response_complete:
            log.info("a client that sent no whole request was let go")
            self.transport.close()


class Announcing(uvicorn.Server):
    """A server that says where it listens, once it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        if self.started:
            port = sockets[0].getsockname()[1] if sockets else self.config.port
            log.info("listening on %s, port %d", self.config.host, port)


def server_of(
    gateway: Gateway, *, host: str, port: int, proxies: str = "127.0.0.1"
) -> uvicorn.Server:
    """Return the server, which is not started yet.

    ``proxies`` are the addresses whose ``X-Forwarded-For`` counts as the reader's.
    """
    return server_for(gateway.app(), host=host, port=port, proxies=proxies)


def server_for(app: ASGIApp, *, host: str, port: int, proxies: str = "127.0.0.1") -> uvicorn.Server:
    """Return a server of any application, with all limits, which is not started yet."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=Hasty,
        ws="none",
        loop="asyncio",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=True,
        proxy_headers=True,
        forwarded_allow_ips=proxies,
        h11_max_incomplete_event_size=HEADER_BYTES,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    return Announcing(config)


def serve(
    gateway: Gateway, *, host: str, port: int, metrics_port: int | None, proxies: str
) -> None:
    """Serve until the process is told to end; open reads have ``SHUTDOWN_SECONDS`` to finish.

    Raises ConflictError for a port that is in use, FormatError for an address that is not here.
    """
    with closing(taken_port(host, port, "--port")) as taken:
        if metrics_port is not None:
            from prometheus_client import start_http_server

            # Of this machine alone: a scraper there, or a proxy that is told to, reads them.
            with _told("127.0.0.1", metrics_port, "--metrics-port"):
                start_http_server(metrics_port, addr="127.0.0.1", registry=gateway.figures.registry)
        server_of(gateway, host=host, port=port, proxies=proxies).run(sockets=[taken])


def taken_port(host: str, port: int, option: str) -> socket.socket:
    """Return a socket that has the port, and does not listen yet: nothing is ready to answer.

    Raises ConflictError for a port that is in use, FormatError for an address that is not here;
    ``option`` is named by both.
    """
    taken = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with _told(host, port, option):
            taken.bind((host, port))
    except BaseException:
        taken.close()
        raise
    return taken


@contextmanager
def _told(host: str, port: int, option: str) -> Iterator[None]:
    """Say of a port that cannot be taken which one it is, and what to do."""
    try:
        yield
    except PeDvcError:
        raise
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            remedy = f"Name another one with {option}, or end what listens there."
            raise ConflictError(f"port {port} of {host} is in use", remedy=remedy) from None
        raise FormatError(
            f"cannot listen on port {port} of {host}: {error.strerror or error}",
            remedy=f"Name an address of this machine with --host, and a port with {option}.",
        ) from None
