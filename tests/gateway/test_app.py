"""The gateway over real sockets: what is handed out, to whom, and what is noted before."""

from __future__ import annotations

import json
import socket
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.documents.keys import manifest_key, metadata_key, payload_key, tombstone_key
from pe_dvc.gateway import server, timed
from pe_dvc.gateway.jwks import IssuerKeys
from pe_dvc.gateway.limits import Rate
from pe_dvc.primitives.digest import Sha256, chunk_digests, sha256_bytes
from tests.support.country import Country
from tests.support.gateways import GatewayHouse
from tests.support.memory_store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.gateway.settings import Signer

FRS, WAS = b"frs" * 1_000_000, b"was" * 100


@pytest.fixture
def country(tmp_path: Path) -> Country:
    return Country(tmp_path / "country", MemoryStore())


@pytest.fixture
def manifests(country: Country) -> dict[str, Manifest]:
    published = country.publish({"frs_2023": FRS, "was_2020": WAS})
    return {one.artifact.name: one for one in published}


@pytest.fixture
def house(
    tmp_path: Path, country: Country, manifests: dict[str, Manifest]
) -> Iterator[GatewayHouse]:
    assert manifests
    with GatewayHouse(tmp_path, country).running() as house:
        yield house


def payload(manifest: Manifest) -> str:
    return "/" + payload_key("us", manifest.artifact.dvc.md5)


def manifest_path(manifest: Manifest) -> str:
    return "/" + manifest_key("us", Sha256(manifest.artifact.sha256))


def test_bytes_are_served_to_who_may_read_them(
    house: GatewayHouse, manifests: dict[str, Manifest]
) -> None:
    frs, token = manifests["frs_2023"], house.token()
    answer = house.get(payload(frs), token)
    assert (answer.status, answer.body) == (200, FRS)
    assert answer.headers["etag"] == f'"{frs.artifact.sha256}"'
    assert answer.headers["cache-control"] == "private, no-store"
    (read,) = house.ledger.reads
    assert (read.person, read.project, read.grant_id) == ("ada@example.org", "poverty", "ada")
    assert (read.dataset, read.kind, read.sha256) == ("frs_2023", "payload", frs.artifact.sha256)
    assert (read.first_byte, read.last_byte, read.byte_count) == (0, None, len(FRS))
    assert (read.licence, read.how) == ("UKDS End User Licence, version 24", "stream")
    assert read.token_id == token.split("_")[1]
    assert read.client_address == "127.0.0.1"


def test_each_kind_of_object_is_noted_as_what_it_is(
    house: GatewayHouse, manifests: dict[str, Manifest]
) -> None:
    frs, token = manifests["frs_2023"], house.token()
    answer = house.get(manifest_path(frs), token)
    assert (answer.status, answer.body) == (200, frs.to_bytes())
    assert answer.headers["etag"] == f'"{sha256_bytes(frs.to_bytes())}"'
    chunks = house.get(f"/us/{frs.artifact.sha256[:2]}/{frs.artifact.sha256}.chunks", token)
    assert chunks.body == chunk_digests([FRS])
    assert [one.kind for one in house.ledger.reads] == ["manifest", "chunks"]


def test_a_login_of_an_issuer_reads_as_well(
    house: GatewayHouse, manifests: dict[str, Manifest]
) -> None:
    token = house.issuer.sign(house.issuer.claims(time.time()))
    assert house.get(payload(manifests["frs_2023"]), token).status == 200
    assert house.ledger.reads[0].token_id is None


@pytest.mark.parametrize("path", ["payload", "manifest"])
def test_without_a_name_nothing_is_readable(
    house: GatewayHouse, manifests: dict[str, Manifest], path: str
) -> None:
    frs = manifests["frs_2023"]
    asked = payload(frs) if path == "payload" else manifest_path(frs)
    for token in (None, "pedvc_0000000000000000_" + "A" * 43, "x.y.z"):
        for method in ("GET", "HEAD"):
            answer = house.get(asked, token, method)
            assert answer.status == 401
            assert "Bearer" in answer.headers["www-authenticate"]
    assert not house.ledger.reads


def test_signed_metadata_is_for_everyone_and_no_read(house: GatewayHouse) -> None:
    answer = house.get("/" + metadata_key("us", "timestamp"))
    assert answer.status == 200
    assert answer.json["signed"]["_type"] == "timestamp"
    assert not house.ledger.reads


def test_without_a_grant_it_says_how_to_apply(
    house: GatewayHouse, manifests: dict[str, Manifest]
) -> None:
    answer = house.get(payload(manifests["frs_2023"]), house.token("eve@example.org"))
    assert (answer.status, answer.json["error"]) == (403, "no grant")
    assert answer.json["contact"] == "data-access@example.org"
    assert not house.ledger.reads


def test_a_grant_counts_from_the_moment_the_file_has_it(
    house: GatewayHouse, manifests: dict[str, Manifest]
) -> None:
    frs, token = manifests["frs_2023"], house.token()
    house.grant({"until": "2021-01-01"})
    answer = house.get(payload(frs), token)
    assert (answer.status, answer.json["error"]) == (403, "ended")
    assert "delete" in answer.json["detail"]
    house.grant({"datasets": "frs_*"})
    assert house.get(payload(frs), token).status == 200
    assert house.get(payload(manifests["was_2020"]), token).status == 403


def test_grants_that_cannot_be_read_refuse_everyone(
    house: GatewayHouse, manifests: dict[str, Manifest]
) -> None:
    token = house.token()
    house.access.write_text("contact: [")
    assert house.get(payload(manifests["frs_2023"]), token).status == 503
    house.access.unlink()
    answer = house.get(payload(manifests["frs_2023"]), token)
    assert (answer.status, "retry-after" in answer.headers) == (503, True)
    assert house.get("/healthz").status == 503
    assert not house.ledger.reads


def test_of_several_projects_the_request_names_one(
    house: GatewayHouse, manifests: dict[str, Manifest]
) -> None:
    frs = manifests["frs_2023"]
    house.grant({}, {"id": "ada-2", "project": "wealth"})
    answer = house.get(payload(frs), house.token())
    assert (answer.status, answer.json["projects"]) == (403, ["poverty", "wealth"])
    assert house.get(payload(frs), house.token(), X_PE_Project="wealth").status == 200
    assert house.get(payload(frs), house.token(project="poverty")).status == 200
    assert [one.project for one in house.ledger.reads] == ["wealth", "poverty"]


def test_what_belongs_to_no_published_dataset_is_not_found(
    house: GatewayHouse, country: Country
) -> None:
    """Raw inputs and what pipelines made on the way lie in the same bucket."""
    country.write(payload_key("us", "0" * 32), b"raw microdata")
    country.write("us/locks/gc.json", b"{}")
    token = house.token()
    for key in (payload_key("us", "0" * 32), "us/locks/gc.json", "us/", "us", "uk/x", ""):
        assert house.get(f"/{key}", token).status == 404


def test_attack_a_manifest_that_nobody_signed(
    house: GatewayHouse, country: Country, manifests: dict[str, Manifest]
) -> None:
    """Who may write to the bucket gives raw data a name of a dataset that many may read."""
    raw = b"raw microdata"
    country.write(payload_key("us", "0" * 32), raw)
    document = manifests["was_2020"].to_bytes()
    forged = document.replace(manifests["was_2020"].artifact.dvc.md5.encode(), b"0" * 32)
    country.write(manifest_key("us", sha256_bytes(raw)), forged)
    (new,) = country.publish({"other": b"so that the index is made again"})
    house.served.refresh()
    assert house.get(payload(new), house.token()).status == 200
    assert house.get("/" + payload_key("us", "0" * 32), house.token()).status == 404


def test_a_build_is_found_after_the_next_look(house: GatewayHouse, country: Country) -> None:
    (new,) = country.publish({"frs_2024": b"new"})
    token = house.token()
    assert house.get(payload(new), token).status == 404
    house.served.refresh()
    assert house.get(payload(new), token).body == b"new"


def test_earlier_versions_of_a_channel_stay_readable(
    house: GatewayHouse, country: Country, manifests: dict[str, Manifest]
) -> None:
    country.publish({"frs_2023": b"rebuilt"})
    house.served.refresh()
    assert house.get(payload(manifests["frs_2023"]), house.token()).body == FRS


def test_what_was_withdrawn_is_gone_with_its_tombstone(
    house: GatewayHouse, country: Country, manifests: dict[str, Manifest]
) -> None:
    frs = manifests["frs_2023"]
    country.revoke(frs)
    house.served.refresh()
    tombstone = "/" + tombstone_key("us", Sha256(frs.artifact.sha256))
    for path in (payload(frs), manifest_path(frs), tombstone):
        answer = house.get(path, house.token())
        assert (answer.status, answer.json["error"]) == (410, "withdrawn")
        assert answer.json["tombstone"]["reason"] == "its licence ended"
    assert house.get(payload(manifests["was_2020"]), house.token()).status == 200


def test_an_index_that_is_too_old_refuses_everyone(
    house: GatewayHouse, manifests: dict[str, Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A withdrawal may be what is not seen while the store is away."""
    monkeypatch.setattr("pe_dvc.gateway.served_country.MAX_AGE", -1.0)
    assert house.get(payload(manifests["frs_2023"]), house.token()).status == 503


def test_no_entry_no_byte(house: GatewayHouse, manifests: dict[str, Manifest]) -> None:
    house.ledger.is_away = True
    answer = house.get(payload(manifests["frs_2023"]), house.token())
    assert (answer.status, "retry-after" in answer.headers) == (503, True)
    assert FRS[:100] not in answer.body


def test_a_read_that_the_store_fails_is_not_noted(
    house: GatewayHouse, country: Country, manifests: dict[str, Manifest]
) -> None:
    store = country.store
    assert isinstance(store, MemoryStore)
    frs, token = manifests["frs_2023"], house.token()
    assert house.get(payload(frs), token, "HEAD").status == 200
    del store.objects[payload(frs)[1:]]
    assert house.get(payload(frs), token).status == 404
    assert not house.ledger.reads


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=5-9", 5, 9),
        ("bytes=2999990-", 2_999_990, 2_999_999),
        ("bytes=-10", 2_999_990, 2_999_999),
        ("bytes=2999990-99999999", 2_999_990, 2_999_999),
        ("bytes=-99999999", 0, 2_999_999),
    ],
)
def test_a_range_is_served_and_noted_as_one(
    house: GatewayHouse, manifests: dict[str, Manifest], header: str, first: int, last: int
) -> None:
    answer = house.get(payload(manifests["frs_2023"]), house.token(), Range=header)
    assert (answer.status, answer.body) == (206, FRS[first : last + 1])
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(FRS)}"
    (read,) = house.ledger.reads
    assert (read.first_byte, read.last_byte) == (first, last)


@pytest.mark.parametrize(
    "header",
    [
        "bytes=3000000-",
        "bytes=9-5",
        "bytes=-0",
        "bytes=-",
        "bytes=a-b",
        "bytes=0-1,2-3",
        "bytes=" + ",".join(["0-"] * 1000),
        "bytes=0-" + "9" * 30,
    ],
)
def test_attack_range_bombs_and_ranges_that_are_none(
    house: GatewayHouse, manifests: dict[str, Manifest], header: str
) -> None:
    answer = house.get(payload(manifests["frs_2023"]), house.token(), Range=header)
    assert answer.status == 416
    assert answer.headers["content-range"] == f"bytes */{len(FRS)}"
    assert not house.ledger.reads


def test_a_range_counts_only_of_the_object_that_if_range_names(
    house: GatewayHouse, manifests: dict[str, Manifest]
) -> None:
    frs, token = manifests["frs_2023"], house.token()
    same = house.get(payload(frs), token, Range="bytes=0-1", If_Range=f'"{frs.artifact.sha256}"')
    other = house.get(payload(frs), token, Range="bytes=0-1", If_Range='"another"')
    assert (same.status, other.status) == (206, 200)


def test_what_the_reader_has_is_neither_sent_nor_noted(
    house: GatewayHouse, manifests: dict[str, Manifest]
) -> None:
    frs = manifests["frs_2023"]
    answer = house.get(payload(frs), house.token(), If_None_Match=f'"{frs.artifact.sha256}"')
    assert (answer.status, answer.body) == (304, b"")
    assert not house.ledger.reads


def test_head_tells_of_an_object_without_a_byte(
    house: GatewayHouse, manifests: dict[str, Manifest]
) -> None:
    answer = house.get(payload(manifests["frs_2023"]), house.token(), "HEAD")
    assert (answer.status, answer.headers["content-length"]) == (200, str(len(FRS)))
    assert not house.ledger.reads


@pytest.mark.parametrize(
    "path",
    [
        "/us/../us/{0}",
        "/us/./{0}",
        "/us//{0}",
        "/us/%2e%2e/us/{0}",
        "/us%2f{0}",
        "/us/%252e%252e/{0}",
        "/us\\{0}",
        "//etc/passwd",
        "/../../../etc/passwd",
        "/%00",
        "/us/{0}%00",
        "/us/{0}/",
        "/us/{0}%20",
        "/channels/us/../../us/{0}",
        "/channels/us/%2e%2e/%2e%2e/us/{0}",
        "/channels/uk/timestamp.json",
        "/channels/us",
        "/channels/us/",
        "/" + "a/" * 2000,
    ],
)
def test_attack_paths_that_climb_out(
    house: GatewayHouse, manifests: dict[str, Manifest], path: str
) -> None:
    key = payload(manifests["frs_2023"]).removeprefix("/us/")
    for token in (None, house.token()):
        assert house.get(path.format(key), token).status in (400, 401, 404)
    assert not house.ledger.reads


def test_attack_a_token_in_the_address(
    house: GatewayHouse, manifests: dict[str, Manifest], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    token = house.token()
    path = payload(manifests["frs_2023"])
    for query in (f"access_token={token}", f"x={token}", token):
        answer = house.get(f"{path}?{query}")
        assert (answer.status, b"revoke" in answer.body) == (400, True)
        assert token.encode() not in answer.body
    assert house.get(f"/{token}").status in (401, 404)
    assert token not in caplog.text


def test_no_token_is_ever_in_the_log(
    house: GatewayHouse, manifests: dict[str, Manifest], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    good, bad = house.token(), "pedvc_0000000000000000_" + "Q" * 43
    login = house.issuer.sign(house.issuer.claims(time.time()))
    for token in (good, bad, login, login[:-4] + "AAAA"):
        house.get(payload(manifests["frs_2023"]), token)
    assert '"status": 200' in caplog.text
    for secret in (good.split("_", 2)[2], "Q" * 43, login.rpartition(".")[2]):
        assert secret not in caplog.text
    assert "ada@example.org" not in caplog.text


def test_attack_header_injection(house: GatewayHouse, manifests: dict[str, Manifest]) -> None:
    path = payload(manifests["frs_2023"])
    answer = house.get(path, house.token(), X_PE_Project="x\tSet-Cookie: a=b")
    assert answer.status == 403
    assert "set-cookie" not in answer.headers
    raw = ask(house, f"GET {path} HTTP/1.1\r\nHost: x\r\nX-PE-Project: a\nb\r\n\r\n".encode())
    assert raw.startswith((b"HTTP/1.1 400", b"HTTP/1.1 401"))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "PROPFIND"])
def test_nothing_can_be_written(
    house: GatewayHouse, manifests: dict[str, Manifest], method: str
) -> None:
    assert house.get(payload(manifests["frs_2023"]), house.token(), method).status == 405


def test_attack_guessing_tokens_is_slowed(
    house: GatewayHouse, manifests: dict[str, Manifest]
) -> None:
    path, live = payload(manifests["frs_2023"]), house.token()
    name = live.split("_")[1]
    revoked = house.token()
    house.book.revoke(revoked.split("_")[1], now=datetime.now(UTC))
    statuses = [house.get(path, f"guess-{n}").status for n in range(40)]
    assert statuses[:30] == [401] * 30
    login = house.issuer.sign(house.issuer.claims(time.time()))
    # All of these get one answer: it tells nothing of which came near to a token.
    for token in (f"pedvc_{name}_{'Q' * 43}", f"pedvc_{'0' * 16}_{'Q' * 43}", revoked, "x", login):
        slowed = house.get(path, token)
        assert (slowed.status, slowed.json["detail"]) == (429, "ask more slowly")
        assert int(slowed.headers["retry-after"]) > 0
    assert not house.ledger.reads


def test_who_shares_an_address_with_a_guesser_reads_by_their_token(
    house: GatewayHouse, manifests: dict[str, Manifest]
) -> None:
    path, token = payload(manifests["frs_2023"]), house.token()
    house.gateway.access_control.failures = Rate(1, 1e-9, time.monotonic)
    assert [house.get(path, "guess").status for _ in range(2)] == [401, 429]
    assert house.get(path, token).status == 200
    assert house.get("/access/us", token).status == 200
    assert house.get("/access/us", "guess").status == 429
    # A token does not carry passports past the limit: these count before it does.
    drs = f"/ga4gh/drs/v1/objects/{manifests['frs_2023'].artifact.sha256}"
    sent = {"passports": ["guess"]}
    assert house.post(drs, token, json.dumps(sent).encode()).status == 429


def test_a_slowed_address_has_nothing_of_an_issuer_verified(
    house: GatewayHouse, manifests: dict[str, Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str | None] = []
    find = IssuerKeys.find

    def noted(keys: IssuerKeys, signer: Signer, kid: str | None, algorithm: str) -> Any:
        asked.append(kid)
        return find(keys, signer, kid, algorithm)

    monkeypatch.setattr(IssuerKeys, "find", noted)
    path, login = payload(manifests["frs_2023"]), house.passport()
    house.gateway.access_control.failures = Rate(1, 1e-9, time.monotonic)
    assert house.get(path, login).status == 200
    assert len(asked) == 1
    assert [house.get(path, "guess").status, house.get(path, login).status] == [401, 429]
    assert len(asked) == 1


def test_who_sends_no_token_is_not_slowed(
    house: GatewayHouse, manifests: dict[str, Manifest]
) -> None:
    path = payload(manifests["was_2020"])
    assert {house.get(path).status for _ in range(40)} == {401}
    assert house.get(path, house.token()).status == 200


def test_the_index_is_made_again_when_something_new_was_signed(
    house: GatewayHouse, country: Country
) -> None:
    first = house.served.index
    house.served.refresh()
    assert house.served.index is first
    country.publish({"frs_2024": b"new"})
    house.served.refresh()
    assert house.served.index is not first


def ask(house: GatewayHouse, data: bytes) -> bytes:
    """Send bytes as they are, and return the answer."""
    with socket.create_connection(("127.0.0.1", house.port), timeout=20) as connection:
        connection.sendall(data)
        return connection.recv(65536)


def test_attack_headers_without_end(house: GatewayHouse) -> None:
    large = b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * (server.HEADER_BYTES * 3)
    with socket.create_connection(("127.0.0.1", house.port), timeout=20) as connection:
        try:
            connection.sendall(large)
            answer = connection.recv(65536)
        except ConnectionError:
            answer = b""
    assert not answer or b" 400 " in answer or b" 431 " in answer


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n",
    ],
)
def test_attack_a_slow_client_is_let_go(
    house: GatewayHouse, monkeypatch: pytest.MonkeyPatch, first: bytes
) -> None:
    """Slowloris: bytes come one at a time, of headers, of a second request, of a body."""
    monkeypatch.setattr(server, "HEADER_SECONDS", 0.3)
    with socket.create_connection(("127.0.0.1", house.port), timeout=20) as connection:
        if first:
            connection.sendall(first)
            assert b" 200 " in connection.recv(65536)
        with pytest.raises(ConnectionError):  # noqa: PT012
            for byte in b"GET / HTTP/1.1\r\nHost: " + b"x" * 1000:
                connection.sendall(bytes([byte]))
                time.sleep(0.02)
                connection.settimeout(0.001)
                try:
                    if not connection.recv(1):
                        raise ConnectionResetError
                except TimeoutError:
                    pass
                connection.settimeout(20)


def test_a_slow_reader_is_served_and_one_who_takes_nothing_is_let_go(
    house: GatewayHouse, country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = b"x" * (32 * 1024 * 1024)
    (large,) = country.publish({"large": data})
    house.served.refresh()
    monkeypatch.setattr(timed, "SEND_SECONDS", 0.5)
    lines = [f"GET {payload(large)} HTTP/1.1", "Host: x", "Connection: close"]
    lines.append(f"Authorization: Bearer {house.token()}")
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()

    def taken(first_pause: float, pause: float) -> int:
        with socket.create_connection(("127.0.0.1", house.port), timeout=20) as connection:
            connection.sendall(request)
            time.sleep(first_pause)
            count = 0
            try:
                while block := connection.recv(1024 * 1024):
                    count += len(block)
                    time.sleep(pause)
            except ConnectionError:
                pass
            return count

    assert taken(0, 0.02) > len(data)  # with the headers
    assert taken(2, 0) < len(data)


def test_health_the_api_document_and_figures(
    house: GatewayHouse, manifests: dict[str, Manifest]
) -> None:
    from prometheus_client import generate_latest

    assert house.get("/healthz").json == {"status": "ok"}
    document = house.get("/openapi.json").json
    assert document["openapi"] == "3.1.0"
    assert "/{country}/files/md5/{first}/{rest}" in document["paths"]
    house.get(payload(manifests["frs_2023"]), house.token())
    text = generate_latest(house.gateway.figures.registry).decode()
    assert f"pe_dvc_gateway_sent_bytes_total {float(len(FRS))}" in text.replace(
        "3e+06", "3000000.0"
    )
    assert "pe_dvc_gateway_ledger_entries_total 1.0" in text
    assert "ada" not in text


def test_each_of_many_readers_at_once_is_noted(
    house: GatewayHouse, manifests: dict[str, Manifest]
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    path, token = payload(manifests["was_2020"]), house.token()
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: house.get(path, token), range(200)))
    assert {one.status for one in answers} == {200}
    assert sum(len(one.body) for one in answers) == 200 * len(WAS)
    assert len(house.ledger.reads) == 200
