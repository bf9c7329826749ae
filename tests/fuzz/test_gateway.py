"""Fuzz targets: what anyone may send to a gateway, and the files that its keepers write."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from pe_dvc.adapters.dvc.yaml import read_yaml
from pe_dvc.documents.access import access_rules
from pe_dvc.gateway.decision import Caller, Subject, decide
from pe_dvc.gateway.identity import Identity
from pe_dvc.gateway.jose import usable_keys
from pe_dvc.gateway.jwks import IssuerKeys
from pe_dvc.gateway.requests import key_of, names_etag, wanted_bytes
from pe_dvc.gateway.settings import Issuer, parse_settings
from pe_dvc.gateway.tokens import TokenBook
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.json_reader import read_json
from tests.support.fuzzing import TOKENS, edited, fuzz, hostile
from tests.support.issuers import ADDRESS, AUDIENCE, Documents, TestIssuer

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 26, tzinfo=UTC)
TERMS = {
    "id": "a",
    "project": "p",
    "datasets": ["frs_*"],
    "licence": "EUL",
    "licence_version": "24",
    "from": "2026-01-01",
    "until": "2026-12-31",
}
ACCESS = json.dumps(
    {
        "contact": "data@example.org",
        "grants": [TERMS | {"person": "ada"}],
        "visas": [TERMS | {"id": "v", "issuer": "https://rems.example.org", "value": "x"}],
    }
).encode()
SETTINGS = b"""
tokens = "tokens"
ledger = "ledger.sqlite"
ledger_key = "ledger.key"
[countries.uk]
store = "s3://bucket"
access = "access.yaml"
[[issuers]]
issuer = "https://login.example.org"
audience = "a"
persons = ["*@example.org"]
algorithms = ["RS256"]
"""


def test_grants() -> None:
    def target(data: bytes) -> None:
        rules = access_rules(read_yaml(data, "access.yaml"))
        subjects = [Subject(dataset="frs_2023", raw_inputs=("frs",))]
        decide(rules, Caller(person="ada"), subjects, country="uk", project=None, now=NOW)

    fuzz(target, hostile(ACCESS))


def test_settings() -> None:
    fuzz(lambda data: parse_settings(data, where="gateway.toml"), edited([SETTINGS]))


def test_tokens_and_authorization(tmp_path: Path) -> None:
    issuer = TestIssuer()
    trusted = Issuer(issuer=ADDRESS, audience=AUDIENCE, persons=("*",), passports=True)
    keys = IssuerKeys(Documents(issuer), lambda: 0.0)
    identity = Identity(TokenBook(tmp_path / "tokens"), [trusted], [], keys)
    token = issuer.sign(issuer.claims(NOW.timestamp(), ga4gh_passport_v1=["x.y.z"]))
    headers = [f"Bearer {token}".encode(), b"Basic YTpi", b"Bearer pedvc_" + b"0" * 16 + b"_x"]

    def target(data: bytes) -> None:
        identity.caller(data.decode("latin-1"), now=NOW)

    fuzz(target, edited(headers))


def test_keys_of_issuers() -> None:
    jwks = json.dumps(TestIssuer().jwks()).encode()
    fuzz(lambda data: usable_keys(read_json(data, what="keys")), hostile(jwks))


def test_paths_ranges_and_etags() -> None:
    def target(data: bytes) -> None:
        key, text = key_of(data), data.decode("latin-1")
        if key is not None:
            assert ".." not in key.split("/")
            assert not key.startswith("/")
        names_etag(text, '"x"')
        try:
            part = wanted_bytes(text, 100)
        except ValueError as error:
            raise FormatError(str(error)) from None
        assert part is None or 0 <= part.first <= part.last < 100

    texts = [b"/us/files/md5/ab/cd", b"bytes=0-9", b"bytes=-5", b'W/"x", "y"', b"bytes=5-,7-"]
    fuzz(target, edited(texts) | st.sampled_from(TOKENS))
