"""Real servers on 127.0.0.1 for the tests: two S3 servers, and one that misbehaves on demand.

Each is started once per test session, on a free port, and stopped by its fixture; every test
gets a fresh bucket.
"""

from __future__ import annotations

import http.server
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

START_TIMEOUT = 60.0
Server = TypeVar("Server", bound=http.server.HTTPServer)
ACCESS_KEY, SECRET_KEY, REGION = "test-access-key", "test-secret-key", "us-east-1"


@dataclass(frozen=True)
class S3Endpoint:
    """A running S3 server, and a client of its own to prepare and inspect it (boto3)."""

    endpoint: str

    @property
    def options(self) -> dict[str, str]:
        """The options of a DVC remote on this server."""
        return {
            "endpointurl": self.endpoint,
            "access_key_id": ACCESS_KEY,
            "secret_access_key": SECRET_KEY,
            "region": REGION,
        }

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables with which AWS clients find this server."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(self) -> Any:
        """Return boto3's client: a second opinion on what the server holds."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            region_name=REGION,
        )

    def new_bucket(self, region: str = REGION) -> str:
        """Create a bucket of a name not used before."""
        name = f"data-{uuid.uuid4().hex[:12]}"
        place = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        self.client().create_bucket(Bucket=name, **(place if region != REGION else {}))
        return name


@dataclass(frozen=True)
class S3Bucket:
    """A fresh, empty bucket of a running server."""

    server: S3Endpoint
    name: str

    @property
    def url(self) -> str:
        """The store's URL."""
        return f"s3://{self.name}"


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str | Path], port: int, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Run a server that answers on ``port`` of 127.0.0.1 by the time this is entered."""
    process = subprocess.Popen(
        command,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, process)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _serving(
    arguments: list[str], port: int, environment: Mapping[str, str] | None = None
) -> Iterator[S3Endpoint]:
    with running([sys.executable, "-m", *arguments], port, environment):
        yield S3Endpoint(f"http://127.0.0.1:{port}")


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
        except urllib.error.HTTPError:
            return  # it answers, if only to refuse
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{process.args!r} did not start") from None
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="session")
def ministack_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Endpoint]:
    """Run ministack: by default it would listen on every interface."""
    port, home = free_port(), tmp_path_factory.mktemp("ministack")
    environment = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "TMPDIR": str(home)}
    with _serving(["ministack"], port, environment) as server:
        yield server


@pytest.fixture(scope="session")
def moto_server() -> Iterator[S3Endpoint]:
    """Run moto's server: a second S3, written by other people."""
    port = free_port()
    with _serving(["moto.server", "-H", "127.0.0.1", "-p", str(port)], port) as server:
        yield server


@pytest.fixture(scope="session")
def s3_server(ministack_server: S3Endpoint) -> S3Endpoint:
    """The S3 server that tests use when any will do."""
    return ministack_server


@pytest.fixture
def s3_bucket(s3_server: S3Endpoint) -> S3Bucket:
    """A fresh bucket on ``s3_server``."""
    return S3Bucket(s3_server, s3_server.new_bucket())


@pytest.fixture
def moto_bucket(moto_server: S3Endpoint) -> S3Bucket:
    """A fresh bucket on ``moto_server``."""
    return S3Bucket(moto_server, moto_server.new_bucket())


class Answering(http.server.ThreadingHTTPServer):
    """An HTTP server that gives every request the same answer, and remembers the requests.

    ``status`` is the answer's; ``body`` its content; ``delay`` seconds pass before it.
    """

    daemon_threads = True

    def __init__(self, status: int, body: bytes = b"", delay: float = 0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.body, self.delay = status, body, delay
        self.headers: dict[str, str] = {}
        self.requests: list[str] = []
        self.authorizations: list[str] = []
        self.tokens: list[str] = []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Answering

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append(f"{self.command} {self.path}")
        self.server.authorizations.append(self.headers.get("Authorization") or "")
        self.server.tokens.append(self.headers.get("X-Amz-Security-Token") or "")
        time.sleep(self.server.delay)
        self.send_response(self.server.status)
        for name, value in {
            "Content-Length": str(len(self.server.body)),
            **self.server.headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(self.server.body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing: the requests are kept in ``Answering.requests``."""


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Serve while the body runs, then close the server."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def answering(
    status: int, body: bytes = b"", delay: float = 0
) -> AbstractContextManager[Answering]:
    """Run an Answering server."""
    return serving(Answering(status, body, delay))
