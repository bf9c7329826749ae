"""GA4GH's Data Repository Service over real sockets, held against the schemas of its version 1.5.

``ga4gh_drs_schemas.json`` is theirs (Apache-2.0), with sources and commits.
"""

from __future__ import annotations

import hashlib
import json
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft202012Validator

from pe_dvc.documents.members import dir_hash
from pe_dvc.gateway import drs_requests
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from tests.support.country import Country
from tests.support.directories import publish_directory
from tests.support.gateways import REMS, GatewayHouse, access_text
from tests.support.issuers import ADDRESS
from tests.support.memory_store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.documents.manifest import Manifest
    from tests.support.gateways import Answer

PUBLISHED = json.loads((Path(__file__).parent / "ga4gh_drs_schemas.json").read_bytes())
DRS = "/ga4gh/drs/v1"
FRS = b"frs" * 1000
STATES = {"AK.h5": b"alaska", "year=2023/AL.h5": b"alabama", "year=2023/AZ.h5": b"arizona"}
VISA = "https://data.example.org/frs"
VISA_RULES = f"""
visas:
  - id: rems
    issuer: {REMS}
    value: {VISA}
    project: frs
    datasets: frs_*
    licence: UKDS End User Licence
    licence_version: "24"
    from: 2020-01-01
    until: 2099-12-31
"""


def is_valid(value: Any, schema: str) -> Any:
    """Return ``value``, which must be what the schema of DRS says."""
    of = {"$ref": f"#/$defs/{schema}", "$defs": PUBLISHED["$defs"]}
    Draft202012Validator(of).validate(value)
    return value


def test_source_and_licence_are_named() -> None:
    assert "ga4gh/data-repository-service-schemas" in PUBLISHED["source"]
    assert PUBLISHED["licence"] == "Apache-2.0"
    assert [len(one) for one in PUBLISHED["commits"]] == [40, 40]


@pytest.fixture
def country(tmp_path: Path) -> Country:
    return Country(tmp_path / "country", MemoryStore())


@pytest.fixture
def frs(country: Country) -> Manifest:
    (manifest,) = country.publish({"frs_2023": FRS})
    return manifest


@pytest.fixture
def house(tmp_path: Path, country: Country, frs: Manifest) -> Iterator[GatewayHouse]:
    assert frs
    with GatewayHouse(tmp_path, country).running() as house:
        yield house


@pytest.fixture
def signing(tmp_path: Path, country: Country, frs: Manifest) -> Iterator[GatewayHouse]:
    """A gateway that gives addresses; that a real bucket signs them is tested elsewhere."""
    assert frs
    sign = "https://bucket.example.org/{}?X-Amz-Signature=0".format
    with GatewayHouse(tmp_path, country, sign=sign).running() as house:
        yield house


def post(house: GatewayHouse, path: str, value: Any, token: str | None = None) -> Answer:
    return house.get(DRS + path, token, "POST", body=json.dumps(value).encode())


def at(sha256: str) -> str:
    return f"{DRS}/objects/{sha256}"


def test_the_service_says_what_it_is(house: GatewayHouse) -> None:
    found = house.get(f"{DRS}/service-info").json
    is_valid(found, "Service")
    is_valid(found, "DrsService")
    assert (found["type"]["artifact"], found["type"]["version"]) == ("drs", "1.5.0")


def test_a_file_is_found_by_its_sha256_and_read_where_it_says(
    house: GatewayHouse, frs: Manifest
) -> None:
    sha256, token = frs.artifact.sha256, house.token()
    found = is_valid(house.get(at(sha256), token).json, "DrsObject")
    assert found["checksums"] == [{"type": "sha-256", "checksum": sha256_bytes(FRS)}]
    assert (found["id"], found["size"], found["name"]) == (sha256, len(FRS), "frs_2023.parquet")
    assert found["created_time"] == "2026-04-20T12:00:00Z"
    assert (found["version"], found["self_uri"]) == ("latest:2", f"drs://127.0.0.1/{sha256}")
    assert found["aliases"] == [frs.reference]
    assert not house.ledger.reads  # of which no byte was given
    (method,) = found["access_methods"]
    place = urlsplit(method["access_url"]["url"])
    assert place.netloc == f"127.0.0.1:{house.port}"
    assert house.get(place.path, token).body == FRS
    (read,) = house.ledger.reads
    assert (read.kind, read.sha256, read.how) == ("payload", sha256, "stream")


def test_a_directory_is_a_bundle_and_its_list_is_an_entry(
    house: GatewayHouse, country: Country
) -> None:
    sha256, token = publish_directory(country, STATES).artifact.sha256, house.token()
    house.served.refresh()
    found = is_valid(house.get(at(sha256), token).json, "DrsObject")
    assert (found["id"], found["size"]) == (sha256, sum(map(len, STATES.values())))
    (read,) = house.ledger.reads
    assert (read.kind, read.sha256) == ("members", sha256)
    entries = {one["name"]: one for one in found["contents"]}
    inside = {p.partition("/")[2]: d for p, d in STATES.items() if p.startswith("year=2023/")}
    folder = dir_hash((name, sha256_bytes(data)) for name, data in inside.items())
    assert {name: one["id"] for name, one in entries.items()} == {
        "AK.h5": sha256_bytes(b"alaska"),
        "year=2023": folder,
    }
    assert not [one for one in entries.values() if "contents" in one]

    # The folder is an object as well, with its files' own checksums in its own.
    part = is_valid(house.get(at(folder), token).json, "DrsObject")
    digests = sorted(sha256_bytes(data) for data in inside.values())
    checksum = hashlib.sha256("".join(digests).encode()).hexdigest()
    assert part["checksums"] == [{"type": "sha-256", "checksum": checksum}]
    assert part["size"] == sum(map(len, inside.values()))
    assert {one["name"]: one["id"] for one in part["contents"]} == {
        name: sha256_bytes(data) for name, data in inside.items()
    }
    outer = "".join(sorted([sha256_bytes(b"alaska"), checksum]))
    assert found["checksums"][0]["checksum"] == hashlib.sha256(outer.encode()).hexdigest()

    # All at once, and a file of it.
    expanded = is_valid(house.get(f"{at(sha256)}?expand=true", token).json, "DrsObject")
    (nested,) = [one for one in expanded["contents"] if "contents" in one]
    assert nested["contents"] == part["contents"]
    alaska = is_valid(house.get(at(sha256_bytes(b"alaska")), token).json, "DrsObject")
    place = urlsplit(alaska["access_methods"][0]["access_url"]["url"]).path
    assert house.get(place, token).body == b"alaska"


def test_no_entry_no_list_of_files(house: GatewayHouse, country: Country) -> None:
    sha256 = publish_directory(country, STATES).artifact.sha256
    house.served.refresh()
    house.ledger.is_away = True
    answer = house.get(at(sha256), house.token())
    assert (answer.status, b"AK.h5" in answer.body) == (503, False)


def test_an_address_of_the_bucket_is_given_once_it_is_noted(
    signing: GatewayHouse, frs: Manifest
) -> None:
    sha256, token = frs.artifact.sha256, signing.token()
    found = is_valid(signing.get(at(sha256), token).json, "DrsObject")
    (method,) = found["access_methods"]
    assert "access_url" not in method
    path = f"{at(sha256)}/access/{method['access_id']}"
    given = is_valid(signing.get(path, token).json, "AccessURL")
    assert given["url"].startswith("https://bucket.example.org/us/files/md5/")
    (read,) = signing.ledger.reads
    assert (read.kind, read.how, read.last_byte) == ("payload", "presigned", None)
    assert signing.get(path.replace("presigned", "other"), token).status == 404
    assert signing.get(path).status == 401
    assert signing.get(path, signing.token("eve@example.org")).status == 403
    signing.ledger.is_away = True
    away = signing.get(path, token)
    assert (away.status, b"Signature" in away.body) == (503, False)
    assert len(signing.ledger.reads) == 1


def test_a_passport_is_sent_by_post(signing: GatewayHouse, frs: Manifest) -> None:
    sha256 = frs.artifact.sha256
    signing.access.write_text(access_text() + VISA_RULES)
    passports = {"passports": [signing.passport(VISA)]}
    found = is_valid(post(signing, f"/objects/{sha256}", passports).json, "DrsObject")
    access = f"/objects/{sha256}/access/{found['access_methods'][0]['access_id']}"
    is_valid(post(signing, access, passports).json, "AccessURL")
    (read,) = signing.ledger.reads
    assert (read.person, read.project, read.grant_id) == ("ada@example.org", "frs", "rems")
    other = {"passports": [signing.passport("https://data.example.org/other")]}
    assert post(signing, access, other).status == 403
    both = {"passports": [*other["passports"], *passports["passports"]]}
    assert post(signing, access, both).status == 200


def test_how_to_authorise_is_told_to_everyone(house: GatewayHouse, frs: Manifest) -> None:
    found = house.get(at(frs.artifact.sha256), method="OPTIONS")
    assert is_valid(found.json, "Authorizations") == {
        "drs_object_id": frs.artifact.sha256,
        "supported_types": ["BearerAuth", "BasicAuth", "PassportAuth"],
        "passport_auth_issuers": [REMS],
        "bearer_auth_issuers": [ADDRESS],
    }
    body = json.dumps({"bulk_object_ids": [frs.artifact.sha256, "none"]}).encode()
    many = house.get(f"{DRS}/objects", None, "OPTIONS", body=body)
    is_valid(many.json, "200OkBulkAuthorizations")
    assert many.json["unresolved_drs_objects"] == [{"error_code": 404, "object_ids": ["none"]}]


def test_attack_asking_how_to_authorise_to_learn_what_there_is(
    house: GatewayHouse, frs: Manifest
) -> None:
    there, other = frs.artifact.sha256, "0" * 64
    answers = [house.get(at(one), method="OPTIONS") for one in (there, other)]
    assert [one.status for one in answers] == [200, 200]
    assert answers[0].json == answers[1].json | {"drs_object_id": there}
    assert house.get(at(there)).status == house.get(at(other)).status == 401


def test_many_objects_at_once(signing: GatewayHouse, frs: Manifest) -> None:
    sha256, token = frs.artifact.sha256, signing.token()
    found = post(signing, "/objects", {"bulk_object_ids": [sha256, "0" * 64]}, token)
    is_valid(found.json, "200OkDrsObjects")
    assert found.json["summary"] == {"requested": 2, "resolved": 1, "unresolved": 1}
    pair = {"bulk_object_id": sha256, "bulk_access_ids": ["presigned", "other", "presigned"]}
    given = post(signing, "/objects/access", {"bulk_object_access_ids": [pair]}, token)
    is_valid(given.json, "200OkAccesses")
    assert given.json["summary"]["resolved"] == len(signing.ledger.reads) == 2
    assert post(signing, "/objects", {"bulk_object_ids": [sha256]}).status == 401


def test_attack_more_objects_than_are_answered_at_once(house: GatewayHouse) -> None:
    ids = {"bulk_object_ids": ["0" * 64] * 101}
    answer = post(house, "/objects", ids, house.token())
    assert answer.status == is_valid(answer.json, "Error")["status_code"] == 413
    pair = {"bulk_object_id": "0" * 64, "bulk_access_ids": ["presigned"] * 101}
    pairs = {"bulk_object_access_ids": [pair]}
    assert post(house, "/objects/access", pairs, house.token()).status == 413


def test_refusals_are_those_of_every_read(
    house: GatewayHouse, country: Country, frs: Manifest
) -> None:
    path, token = at(frs.artifact.sha256), house.token()
    refused = house.get(path, house.token("eve@example.org"))
    assert refused.status == is_valid(refused.json, "Error")["status_code"] == 403
    assert "data-access@example.org" in refused.json["msg"]
    assert house.get(at("0" * 64), token).status == 404
    assert house.get(at(frs.artifact.dvc.md5), token).status == 404
    country.revoke(frs)
    house.served.refresh()
    gone = house.get(path, token)
    assert (gone.status, gone.json["tombstone"]["reason"]) == (410, "its licence ended")
    assert gone.json["status_code"] == 410
    assert house.get(f"{path}/access/presigned", token).status == 410


def test_a_withdrawn_directory_and_its_files_are_gone(
    house: GatewayHouse, country: Country
) -> None:
    manifest, token = publish_directory(country, STATES), house.token()
    country.revoke(manifest)
    house.served.refresh()
    for sha256 in (manifest.artifact.sha256, sha256_bytes(b"alaska")):
        assert house.get(at(sha256), token).status == 410


@pytest.mark.parametrize(
    "passport", ["personal", "a.b.c", "", "x" * 1000, "eyJhbGciOiJub25lIn0.e30."]
)
def test_attack_a_passport_that_is_none(house: GatewayHouse, frs: Manifest, passport: str) -> None:
    given = house.token() if passport == "personal" else passport
    answer = post(house, f"/objects/{frs.artifact.sha256}", {"passports": [given]})
    assert answer.status == 401
    assert not given or given.encode() not in answer.body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"[" * 100_000,
        b'{"passports": "a"}',
        b'{"passports": [1]}',
        b'{"passports": ["a","a","a","a","a","a","a","a","a"]}',
        b'{"expand": 1}',
        b'\xff{"passports": []}',
        b'{"passports": NaN}',
    ],
)
def test_attack_bodies_that_are_none(house: GatewayHouse, frs: Manifest, body: bytes) -> None:
    answer = house.get(at(frs.artifact.sha256), house.token(), "POST", body=body)
    assert answer.status == is_valid(answer.json, "Error")["status_code"] == 400


def test_attack_a_body_without_end(house: GatewayHouse, frs: Manifest) -> None:
    body = b'{"passports": ["' + b"x" * drs_requests.MAX_BODY
    assert house.get(at(frs.artifact.sha256), None, "POST", body=body).status == 413


def test_attack_a_body_that_comes_slowly(
    house: GatewayHouse, frs: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drs_requests, "BODY_SECONDS", 0.2)
    head = f"POST {at(frs.artifact.sha256)} HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n{{"
    with socket.create_connection(("127.0.0.1", house.port), 60) as client:
        began = time.monotonic()
        client.sendall(head.encode())
        assert client.recv(100).startswith(b"HTTP/1.1 408")
        while client.recv(1000):  # until the connection is closed
            pass
        assert time.monotonic() - began < 30


@pytest.mark.parametrize("query", ["access_token=pedvc_1", "expand=maybe", "expand=true&a=b"])
def test_attack_a_token_in_the_address(house: GatewayHouse, frs: Manifest, query: str) -> None:
    answer = house.get(f"{at(frs.artifact.sha256)}?{query}", house.token())
    assert (answer.status, "revoke it" in answer.json["msg"]) == (400, True)


@pytest.mark.parametrize("host", ["", "a b", "evil.example.org/x", "a@b", 'a"b', "a:b", "-a"])
def test_attack_a_host_that_is_none_does_not_come_into_addresses(
    house: GatewayHouse, frs: Manifest, host: str
) -> None:
    for path, token in ((at(frs.artifact.sha256), house.token()), (f"{DRS}/service-info", None)):
        assert house.get(path, token, Host=host).status == 400


@pytest.mark.parametrize("part", ["..", "%2e%2e%2fus", "a%00b", "%0d%0aX-A:%20b", "A" * 64])
def test_attack_ids_that_are_none(house: GatewayHouse, part: str) -> None:
    assert house.get(at(part), house.token()).status == 404
    assert house.get(at(part), method="OPTIONS").status in (404, 405)


def test_attack_a_list_of_files_that_was_replaced(house: GatewayHouse, country: Country) -> None:
    manifest = publish_directory(country, STATES)
    house.served.refresh()
    sha256 = Sha256(manifest.artifact.sha256)
    country.write(manifest.artifact.parts_key, b"0" * 64 + b" 1 " + b"0" * 32 + b" evil\n")
    answer = house.get(at(sha256), house.token())
    assert (answer.status, b"evil" in answer.body) == (503, False)
    assert not house.ledger.reads
