"""What is secret by its name or its shape stands in no message, log or manifest; all else does."""

from __future__ import annotations

from typing import Any

import pytest

from pe_dvc.primitives.errors import DigestMismatchError, FormatError, StoreUnavailableError
from pe_dvc.primitives.redact import is_secret_name, redact_params, redact_text, secret_params

SECRET = "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        "cannot read https://alice:hunter2@minio.example.org/data: no connection",
        "https://hunter2@github.com/PolicyEngine/x",
        "s3://AKIAX:hunter2/with/slashes@bucket/us",
        "https://u:hunter2@x@host/p",
        "'https://u:hunter2#x@host' is not a URL",
        "https://a:b@h,https://u:hunter2@h",
        "https://host/x?sv=2&sig=hunter2&se=1",
        "GET /x?X-Amz-Signature=hunter2",
        "AccountName=us;AccountKey=hunter2==;EndpointSuffix=x",
        "host=db user=me password='hunter2' port=5432",
        "token=hunter2",
        "Authorization: Bearer hunter2hunter2",
        "-----BEGIN EC PRIVATE KEY-----\nhunter2\n-----END EC PRIVATE KEY-----\n",
    ],
)
def test_a_secret_in_a_text(text: str) -> None:
    assert SECRET not in redact_text(text)
    assert "redacted" in redact_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "pe-data://us/enhanced_cps_2024@latest and pe-data://us/x@sha256:" + "a" * 64,
        "pe-data://us@latest is no reference",
        "http://127.0.0.1:9000/bucket/name@v1",
        "https://localhost:443",
        "http://[::1]:9000/a@b",
        "s3://bucket/us/files@old: not found, a@b.org",
        "git+ssh://git@github.com/x.git",
        "file:///srv/a@b",
        "primary_key=person_id, token_count=5, monkey=1, keyword=x",
        "sha256=" + "a" * 64,
    ],
)
def test_a_text_without_one_stays(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "name",
    [
        *("key", "api_key", "apiKey", "APIKEY", "aws.secret-access-key", "AWS_ACCESS_KEY_ID"),
        *("password", "dbPassword", "DB_PASSWD", "census.token", "client_secret", "signature"),
        *("X-Amz-Signature", "AccountKey", "private_key", "HF_TOKEN", "credentials"),
    ],
)
def test_a_secret_by_its_name(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("token_count", "max_token_length", "monkey", "keyword", "keywords", "turkey", "hockey"),
        *("primary_key", "join_key", "merge.key_column", "api_key_file", "password_length"),
        *("tokenizer", "secretary", "signature_version", "s3_key", "keys", "passes", "design", ""),
    ],
)
def test_a_name_that_is_none(name: str) -> None:
    assert not is_secret_name(name)


PARAMS: dict[str, Any] = {
    "params.yaml": {
        "seed": 7,
        "census.api_key": "hunter2",
        "token_count": 5,
        "token": 12345,
        "key": True,
        "password": None,
        "api_key": "${CENSUS_KEY}",
        "source": {"database": "postgresql://me:hunter2@db/x", "table": "cps"},
        "secrets": {"staging": "hunter2", "ports": [1, 2], "production": ["hunter2", "hunter2"]},
        "mirrors": ["s3://a/b", "https://x/y?token=hunter2"],
    }
}
SECRETS = [
    "params.yaml:census.api_key",
    "params.yaml:source.database",
    "params.yaml:secrets.staging",
    "params.yaml:secrets.production",
    "params.yaml:mirrors",
]


def test_params_are_redacted_and_keep_their_shape() -> None:
    redacted = redact_params(PARAMS)
    assert SECRET not in str(redacted)
    assert redacted == {
        "params.yaml": {
            **PARAMS["params.yaml"],
            "census.api_key": "redacted",
            "source": {"database": "redacted", "table": "cps"},
            "secrets": {
                "staging": "redacted",
                "ports": [1, 2],
                "production": ["redacted", "redacted"],
            },
            "mirrors": ["s3://a/b", "redacted"],
        }
    }
    assert list(secret_params(redacted)) == []


def test_secret_params_are_named() -> None:
    assert list(secret_params(PARAMS)) == SECRETS


def test_params_that_are_allowed_stay() -> None:
    assert redact_params(PARAMS, SECRETS) == PARAMS
    outer = [*SECRETS[:2], "params.yaml:secrets", SECRETS[4]]
    assert redact_params(PARAMS, outer) == PARAMS


def test_an_error_holds_no_password() -> None:
    address = "https://alice:hunter2@host/x"
    errors = [
        FormatError(f"{address} is wrong", where=address, remedy=f"Correct {address}."),
        StoreUnavailableError(f"cannot read {address}", operation="read", key=address),
        DigestMismatchError(what="x", expected="a", actual="b", source=address),
    ]
    for error in errors:
        assert SECRET not in f"{error} {vars(error)}"
