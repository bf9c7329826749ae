"""Personal access tokens: what is kept of them, and when they are worth nothing."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pe_dvc.gateway.decision import Scope
from pe_dvc.gateway.tokens import TokenBook, is_token
from pe_dvc.primitives.errors import CredentialsError, FormatError, NotFoundError
from pe_dvc.primitives.redact import redact_text

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=90)


@pytest.fixture
def book(tmp_path: Path) -> TokenBook:
    return TokenBook(tmp_path / "tokens")


def test_the_secret_is_nowhere_on_the_disk(book: TokenBook, tmp_path: Path) -> None:
    token, record = book.create("ada@example.org", now=NOW, expires=LATER)
    assert is_token(token)
    (file,) = (tmp_path / "tokens").iterdir()
    assert token.split("_", 2)[2] not in file.read_text()
    assert record.sha256 in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_revoked_token_is_refused_at_once(book: TokenBook) -> None:
    token, record = book.create("ada@example.org", now=NOW, expires=LATER)
    assert book.caller(token, now=NOW).token_id == record.id
    book.revoke(record.id, now=NOW)
    with pytest.raises(CredentialsError, match="revoked"):
        book.caller(token, now=NOW)
    (listed,) = book.records()
    assert (listed.state(NOW), listed.revoked) == ("revoked", "2026-11-26T12:00:00Z")


def test_an_expired_token_is_refused(book: TokenBook) -> None:
    token, _ = book.create("ada@example.org", now=NOW, expires=LATER)
    assert book.caller(token, now=LATER - timedelta(seconds=1)).person == "ada@example.org"
    with pytest.raises(CredentialsError, match="expired"):
        book.caller(token, now=LATER)


def test_the_secret_of_one_token_is_none_of_another(book: TokenBook) -> None:
    first, _ = book.create("ada@example.org", now=NOW, expires=LATER)
    second, _ = book.create("eve@example.org", now=NOW, expires=LATER)
    prefix, name, _ = first.split("_", 2)
    with pytest.raises(CredentialsError):
        book.caller(f"{prefix}_{name}_{second.split('_', 2)[2]}", now=NOW)


@pytest.mark.parametrize(
    "text",
    ["pedvc_", "pedvc_../../../etc/passwd_x", f"pedvc_{'0' * 16}_{'A' * 43}", f"pedvc_{'0' * 16}_"],
)
def test_attack_what_is_no_token_of_ours(book: TokenBook, text: str) -> None:
    with pytest.raises(CredentialsError):
        book.caller(text, now=NOW)


@pytest.mark.parametrize("name", ["../x", "0" * 16, "", "x" * 16])
def test_what_is_not_there_cannot_be_revoked(book: TokenBook, name: str) -> None:
    with pytest.raises(NotFoundError):
        book.revoke(name, now=NOW)


@pytest.mark.parametrize(
    ("person", "scope", "where"),
    [
        ("ada lovelace", Scope(), "person"),
        ("ada", Scope(country="UK"), "country"),
        ("ada", Scope(project="a/b"), "project"),
        ("ada", Scope(datasets=("a b",)), "datasets"),
    ],
)
def test_what_no_grant_can_have_is_refused(
    book: TokenBook, person: str, scope: Scope, where: str
) -> None:
    with pytest.raises(FormatError, match=where):
        book.create(person, now=NOW, expires=LATER, scope=scope)


def test_a_token_must_expire_later(book: TokenBook) -> None:
    with pytest.raises(FormatError, match="later"):
        book.create("ada", now=NOW, expires=NOW)


def test_a_token_is_taken_out_of_messages(book: TokenBook) -> None:
    token, _ = book.create("ada", now=NOW, expires=LATER)
    assert token not in redact_text(f"got {token} from a request")
