"""What a reader without a clone is told of a bucket that does not answer: nothing of DVC."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores.advice import OF_ENVIRONMENT
from pe_dvc.errors import PeDvcError
from pe_dvc.project.stores import open_store
from tests.support.servers import answering, free_port

if TYPE_CHECKING:
    from pathlib import Path

WORDS_OF_DVC = re.compile(
    r"dvc remote|\bDVC\b|endpointurl|remote|ssl_verify|credentialpath|anonymous"
)


def test_no_advice_for_readers_speaks_of_dvc() -> None:
    for text in OF_ENVIRONMENT:
        assert not WORDS_OF_DVC.search(text)


@pytest.mark.parametrize("status", [301, 400, 403, 404, 500])
def test_a_bucket_that_refuses_a_reader(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(status) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        check_words("s3://bucket")


@pytest.mark.parametrize(
    ("url", "environment"),
    [
        ("s3://bucket", {"AWS_ENDPOINT_URL": "no url"}),
        ("s3://bucket", {"AWS_REGION": "x.example.org/", "AWS_ENDPOINT_URL": ""}),
        ("s3://bucket", {"AWS_CA_BUNDLE": "/no/such/file"}),
        ("gs://bucket", {"GOOGLE_APPLICATION_CREDENTIALS": "/no/such/file"}),
        ("az://container", {}),
        ("hf://container", {}),
        ("s3://a b", {}),
    ],
)
def test_an_environment_that_a_reader_must_correct(
    url: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    check_words(url)


def test_azure_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(PeDvcError) as caught:
        open_store("az://container")
    assert "AZURE_STORAGE_ACCOUNT_NAME" in (caught.value.remedy or "")


def check_words(url: str) -> None:
    """Check that reading there fails in words that say nothing of DVC."""
    with pytest.raises(PeDvcError) as caught:
        open_store(url).read("us/x", limit=1)
    said = f"{caught.value.message} {caught.value.remedy}"
    assert not WORDS_OF_DVC.search(said), said
