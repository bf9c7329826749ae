"""Bytes from the bucket itself, by an address that the gateway signs once the read is noted."""

from __future__ import annotations

import http.server
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pe_dvc.adapters.stores.gateway_store import GatewayStore
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.adapters.stores.presigned import SECONDS, signer_of
from pe_dvc.documents.keys import payload_key
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError
from pe_dvc.project.stores import open_store
from tests.support.country import Country
from tests.support.gateways import GatewayHouse
from tests.support.memory_store import MemoryStore
from tests.support.servers import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.servers import S3Bucket

FRS = bytes(range(256)) * 10_000


@pytest.fixture(params=["", "/some/prefix"])
def house(
    request: pytest.FixtureRequest, tmp_path: Path, moto_bucket: S3Bucket
) -> Iterator[GatewayHouse]:
    store = open_store(moto_bucket.url + request.param, options=moto_bucket.server.options)
    country = Country(tmp_path / "country", store)
    country.publish({"frs_2023": FRS})
    with GatewayHouse(tmp_path, country, sign=signer_of(store)).running() as house:
        yield house


def path_of(house: GatewayHouse) -> str:
    (key,) = [key for key, one in house.served.index.served.items() if one.kind == "payload"]
    return f"/{key}"


def test_the_answer_is_an_address_that_reads_these_bytes(house: GatewayHouse) -> None:
    answer = house.get(path_of(house), house.token(), Range="bytes=5-9")
    assert (answer.status, answer.body) == (307, b"")
    assert answer.headers["cache-control"] == "private, no-store"
    place = answer.headers["location"]
    assert parse_qs(urlsplit(place).query)["X-Amz-Expires"] == [str(SECONDS)]
    with urllib.request.urlopen(place, timeout=20) as found:
        assert found.read() == FRS
    (read,) = house.ledger.reads
    assert (read.how, read.first_byte, read.last_byte) == ("presigned", 0, None)


def test_readers_follow_it(
    house: GatewayHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PE_DVC_GATEWAY_TOKEN", house.token())
    store, key = GatewayStore(house.url, named=[house.url]), path_of(house)[1:]
    assert store.download(key, tmp_path / "file", size=len(FRS)) == sha256_bytes(FRS)
    assert store.read_range(key, 100, 50) == FRS[100:150]


def test_no_entry_no_address(house: GatewayHouse) -> None:
    house.ledger.is_away = True
    answer = house.get(path_of(house), house.token())
    assert (answer.status, "location" in answer.headers) == (503, False)
    assert house.get(path_of(house)).status == 401


def test_the_address_is_in_no_log(house: GatewayHouse, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    place = house.get(path_of(house), house.token()).headers["location"]
    (signature,) = parse_qs(urlsplit(place).query)["X-Amz-Signature"]
    assert signature not in caplog.text


def test_a_directory_has_no_such_addresses(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no addresses"):
        signer_of(LocalStore(tmp_path))


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """Keeps the headers that it is sent."""

    seen: list[dict[str, str]]

    def do_GET(self) -> None:
        self.seen.append(dict(self.headers))
        self.send_response(200)
        self.send_header("Content-Length", str(len(FRS)))
        self.end_headers()
        self.wfile.write(FRS)

    def log_message(self, *_: Any) -> None:
        return


def test_attack_the_token_does_not_go_to_where_the_answer_leads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Elsewhere, "seen", [], raising=False)
    country = Country(tmp_path / "country", MemoryStore())
    (frs,) = country.publish({"frs_2023": FRS})
    with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)) as server:
        place = f"http://127.0.0.1:{server.server_port}/frs"
        with GatewayHouse(tmp_path, country, sign=lambda _: place).running() as house:
            monkeypatch.setenv("PE_DVC_GATEWAY_TOKEN", house.token())
            store = GatewayStore(house.url, named=[house.url])
            data, _ = store.read(payload_key("us", frs.artifact.dvc.md5), limit=len(FRS))
    assert data == FRS
    (headers,) = Elsewhere.seen
    assert not [name for name in headers if name.lower() in ("authorization", "cookie")]
