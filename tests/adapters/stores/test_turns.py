"""While a thread waits for a server, of whatever kind, another has its turn."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores.gateway_store import GatewayStore
from pe_dvc.adapters.stores.hub_files import HubFiles
from pe_dvc.documents.hub_uri import HubPlace
from pe_dvc.primitives import turns
from pe_dvc.project.stores import open_store
from pe_dvc.usecases.parallel import transfer_all
from tests.support.servers import S3Endpoint, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pe_dvc.store.port import ObjectSource

CONTENT, LONG = b"here", 60.0


class Meeting(BaseHTTPRequestHandler):
    """Answers no request before a second one has come."""

    protocol_version = "HTTP/1.1"
    both: threading.Barrier

    def do_GET(self) -> None:
        self._answer(206 if "Range" in self.headers else 200, CONTENT)

    def do_HEAD(self) -> None:
        self._answer(200, b"")

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200, b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.both.wait()
        self.send_response(status)
        self.send_header("Content-Range", f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.send_header("Content-Length", str(0 if self.command == "PUT" else len(CONTENT)))
        self.send_header("ETag", '"e"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(turns, "PATIENCE", LONG)
    monkeypatch.setattr(Meeting, "both", threading.Barrier(2, timeout=LONG), raising=False)
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Meeting)) as server:
        yield f"http://127.0.0.1:{server.server_address[1]}"


def stores(address: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, ObjectSource]:
    monkeypatch.setenv("HF_ENDPOINT", address)
    return {
        "s3": open_store("s3://bucket", options=S3Endpoint(address).options),
        "gateway": GatewayStore(address, named=[address]),
        "hub": HubFiles(HubPlace(repo_type="dataset", repo_id="a/b"), "main"),
    }


@pytest.mark.parametrize("kind", ["s3", "gateway", "hub"])
@pytest.mark.parametrize("how", ["head", "range", "download"])
def test_two_threads_ask_at_once(
    address: str, kind: str, how: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = stores(address, monkeypatch)[kind]
    ask: dict[str, Callable[[int], object]] = {
        "head": lambda _: store.head("us/x").size,
        "range": lambda _: store.read_range("us/x", 0, len(CONTENT)),
        "download": lambda n: store.download("us/x", tmp_path / str(n), size=len(CONTENT)),
    }
    with ThreadPoolExecutor(2) as pool:
        first, second = transfer_all(pool, ask[how], range(2))
    assert first == second


def test_two_threads_send_at_once(
    address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = open_store("s3://bucket", options=S3Endpoint(address).options)
    (tmp_path / "file").write_bytes(CONTENT)
    with ThreadPoolExecutor(2) as pool:
        transfer_all(pool, lambda n: store.overwrite(f"us/{n}", CONTENT), range(2))
        transfer_all(pool, lambda n: store.upload(f"us/{n}", tmp_path / "file"), range(2))
