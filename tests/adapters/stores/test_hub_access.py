"""Whom readers ask for payloads on a hub, and with which token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores import hub_access
from pe_dvc.documents.hub_uri import parse_location
from pe_dvc.primitives.errors import FormatError
from tests.support.hub_server import TOKEN

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = "a" * 40


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_ENDPOINT", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HOME", "HF_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)


def test_without_a_setting_it_is_hugging_face_and_nobody() -> None:
    assert hub_access.endpoint() == "https://huggingface.co"
    assert hub_access.token() is None


@pytest.mark.parametrize("address", ["huggingface.co", "ftp://hub", "https://h/x?y", "https://a b"])
def test_an_endpoint_that_is_none(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address)
    with pytest.raises(FormatError) as caught:
        hub_access.endpoint()
    assert "HF_ENDPOINT" in str(caught.value)


def test_the_token_is_found_as_huggingface_hub_finds_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    assert hub_access.token() == TOKEN
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "none"))
    assert hub_access.token() is None
    monkeypatch.setenv("HF_TOKEN", f" {TOKEN} ")
    assert hub_access.token() == TOKEN
    monkeypatch.setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
    assert hub_access.token() is None


@pytest.mark.parametrize("token", ["hf_x\r\nHost: evil", "hf_x y", "hf_é"])
def test_a_token_that_is_none_is_not_shown(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(FormatError) as caught:
        hub_access.token()
    assert "hf_x" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        *("hf://dataset/o/r@main/a.h5", f"hf://dataset/o/r@{'A' * 40}/a.h5", "s3://b/a.h5", ""),
        *(
            f"hf://o/r@{COMMIT}/a.h5",
            f"hf://datasets/o/r@{COMMIT}/a.h5",
            f"hf://dataset/o/r@{COMMIT}",
        ),
        *(f"hf://dataset/o/r@{COMMIT}/../a.h5", f"hf://dataset/o/r/a.h5@{COMMIT}"),
        *(
            f"hf://dataset/o/r@{COMMIT}/a@b",
            f"hf://dataset/..@{COMMIT}/x",
            "hf://dataset/o/r@x/\x1b",
        ),
    ],
)
def test_what_is_no_location(text: str) -> None:
    with pytest.raises(FormatError, match="is no location of a file"):
        parse_location(text)


def test_a_location_is_read_as_it_is_written() -> None:
    for text in (f"hf://dataset/o/r@{COMMIT}/a/b c#?%.h5", f"hf://model/o/r@{COMMIT}/a.h5"):
        assert str(parse_location(text)) == text
