"""Requests made at random of the OpenAPI document, to a running gateway with a ledger in SQLite.

A few in the suite, many under SOAK=1. Whatever comes, the gateway answers as the document says.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi import checks
from starlette.routing import Route

from pe_dvc.documents.destruction import DestroyedFile, Destruction, now_text
from pe_dvc.documents.statement_bundle import write_statements
from pe_dvc.gateway.ledger_key import LedgerSigner
from pe_dvc.gateway.limits import Rate
from pe_dvc.gateway.openapi import openapi
from pe_dvc.gateway.sql_ledger import SqlLedger
from pe_dvc.trust.person_key import PersonKey
from tests.support.country import Country
from tests.support.directories import publish_directory
from tests.support.gateways import GatewayHouse
from tests.support.memory_store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXAMPLES = 100 if os.environ.get("SOAK") else 3
FRS = b"frs" * 1000
BOB = "bob@example.org"
PAYLOAD = "/{country}/files/md5/{first}/{rest}"
"""Of its parts some are those of objects that there are, else nearly all would be 404."""
POSITIVE = GenerationMode.POSITIVE
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.ignored_auth,
]
OPERATIONS = [
    (path, method)
    for path, item in openapi(["us"])["paths"].items()
    for method in item
    if method != "parameters"
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayHouse]:
    directory = tmp_path_factory.mktemp("gateway")
    country = Country(directory / "country", MemoryStore())
    (frs,) = country.publish({"frs_2023": FRS})
    states = publish_directory(country, {"a/AK.h5": b"alaska", "AL.h5": b"alabama"}, point=False)
    country.point("latest", [frs, states])
    signer = LedgerSigner.open(directory / "gateway.pem", create=True)
    with SqlLedger(str(directory / "ledger.db"), signer) as ledger:
        house = GatewayHouse(directory, country, sign="https://bucket.example.org/{}".format)
        house.gateway.access_control.ledger = ledger
        house.grant({}, {"id": "bob", "person": BOB, "until": "2021-01-01"})
        # Tokens of no worth are sent by the hundred: that these are slowed is tested elsewhere.
        house.gateway.access_control.failures = Rate(10**9, 10**9, time.monotonic)
        with house.running():
            yield house


def document_of(house: GatewayHouse) -> dict[str, Any]:
    """Return the document with ids and keys that there are among those that may be asked."""
    document: dict[str, Any] = house.get("/openapi.json").json
    ids = sorted(house.served.index.contents)
    keys = [key.split("/") for key in house.served.index.served if "/files/md5/" in key]
    parts = {
        "object_id": ids,
        "first": sorted({key[3] for key in keys}),
        "rest": sorted({key[4] for key in keys}),
        "file": ["timestamp.json", "root.json", "1.root.json"],
    }
    for item in document["paths"].values():
        for one in item.get("parameters", ()):
            if known := parts.get(one["name"]):
                one["schema"] = {"anyOf": [{"enum": known}, one["schema"]]}
    return document


@pytest.mark.parametrize("who", ["ada", "nobody"])
@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=lambda one: str(one))
def test_the_gateway_answers_as_its_document_says(
    house: GatewayHouse, path: str, method: str, who: str
) -> None:
    schema = schemathesis.openapi.from_dict(document_of(house))
    operation = schema[path][method.upper()]
    sent = {"Authorization": f"Bearer {house.token()}"} if who == "ada" else {}
    few = settings(
        max_examples=EXAMPLES,
        deadline=None,
        phases=[Phase.generate],
        database=None,
        suppress_health_check=list(HealthCheck),
    )

    for mode in GenerationMode if operation.path_parameters or operation.body else [POSITIVE]:

        @few
        @seed(0)
        @given(case=operation.as_strategy(generation_mode=mode))
        def answers(case: Any) -> None:
            response = case.call(base_url=house.url, headers=sent)
            case.validate_response(response, checks=CHECKS, headers=sent)

        answers()


def test_the_document_names_every_route(house: GatewayHouse) -> None:
    app: Any = house.gateway.app()
    routes = [route for route in app._app.routes if isinstance(route, Route)]
    asked = {(one.path, method.lower()) for one in routes for method in one.methods or ()}
    # Keys are one route and several paths; HEAD is there wherever GET is.
    asked = {(path, method) for path, method in asked if method != "head"}
    asked -= {("/{path:path}", "get"), ("/openapi.json", "get")}
    assert asked - set(OPERATIONS) == set()
    assert ("/statements/{country}", "post") in asked


def test_what_must_be_deleted_and_that_it_was_are_as_the_document_says(
    house: GatewayHouse, tmp_path: Path
) -> None:
    schema = schemathesis.openapi.from_dict(document_of(house))
    sent = {"Authorization": f"Bearer {house.token(BOB)}"}

    def asked(path: str, method: str, **given: Any) -> Any:
        case = schema[path][method].Case(path_parameters={"country": "us"}, **given)
        response = case.call(base_url=house.url, headers=sent)
        case.validate_response(response, checks=CHECKS, headers=sent)
        return response

    answer = asked("/access/{country}", "GET")
    assert answer.status_code == 200
    told = answer.json()
    assert [one["state"] for one in told["grants"]] == ["ended"]
    files = [
        DestroyedFile(dataset=one["dataset"], sha256=sha256)
        for one in told["ended"]
        for sha256 in one["artifacts"]
    ]
    assert len(files) > 2
    key, grant = PersonKey.open(tmp_path), told["grants"][0]
    made = Destruction(
        country="us",
        person=told["person"],
        grant=grant["id"],
        project=grant["project"],
        licence=grant["licence"],
        destroyed=now_text(),
        key=key.public,
        nonce="0" * 32,
        left=0,
        no_other_copies=True,
        files=tuple(files),
    )
    body = json.loads(write_statements([key.sign(made.to_bytes())]))
    for one, status in ((body, 201), ({**body, "payload": "AAAA"}, 400)):
        stated = asked("/statements/{country}", "POST", body=one, media_type="application/json")
        assert stated.status_code == status, stated.text
