"""Documents of issuers, from a real server that means no good."""

from __future__ import annotations

import pytest

from pe_dvc.gateway import fetching
from pe_dvc.gateway.fetching import fetch_json
from pe_dvc.primitives.errors import CredentialsError
from tests.support.dripping import CHUNK, HEADER, dripping
from tests.support.servers import answering, free_port


def test_a_document_is_read() -> None:
    with answering(200, b'{"keys": []}') as server:
        assert fetch_json(f"http://127.0.0.1:{server.server_port}/keys") == {"keys": []}


@pytest.mark.parametrize(
    ("status", "body", "match"),
    [
        (404, b"{}", "answered 404"),
        (302, b"{}", "answered 302"),
        (200, b"x" * (fetching.MAX_BYTES + 1), "more than"),
        (200, b"[" * 5000, "JSON"),
        (200, b"<html>", "JSON"),
    ],
)
def test_what_is_refused(status: int, body: bytes, match: str) -> None:
    with answering(status, body) as server, pytest.raises(CredentialsError, match=match):
        fetch_json(f"http://127.0.0.1:{server.server_port}/keys")


def test_a_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "SECONDS", 0.2)
    with answering(200, b"{}", delay=5) as server, pytest.raises(CredentialsError):
        fetch_json(f"http://127.0.0.1:{server.server_port}/keys")


@pytest.mark.parametrize("begin", [HEADER, CHUNK], ids=["header", "chunk"])
def test_attack_an_answer_that_drips_for_ever(
    begin: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "SECONDS", 0.3)
    with dripping(begin) as url, pytest.raises(CredentialsError, match="took more than"):
        fetch_json(f"{url}/keys")


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(CredentialsError, match="cannot be read"):
        fetch_json(f"http://127.0.0.1:{free_port()}/keys")


@pytest.mark.parametrize(
    "url", ["http://login.example.org/keys", "file:///etc/passwd", "https://", "https://u@x.org/"]
)
def test_attack_an_address_without_tls(url: str) -> None:
    with pytest.raises(CredentialsError, match="https"):
        fetch_json(url)
