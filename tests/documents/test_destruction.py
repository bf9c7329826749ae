"""Statements of destruction: what is no such statement is refused, and fails nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pe_dvc.documents.destruction import DestroyedFile, Destruction, parse_destruction
from pe_dvc.primitives.errors import FormatError

STATED = Destruction(
    country="us",
    person="person",
    grant="grant",
    project="project",
    licence="licence",
    destroyed="2026-11-27T00:00:00Z",
    key="0a" * 32,
    nonce="nonce",
    left=1,
    no_other_copies=False,
    files=(DestroyedFile(dataset="cps_2024", sha256="a" * 64),),
)


def test_a_statement_is_read_as_it_was_written() -> None:
    assert parse_destruction(STATED.to_bytes(), where="here") == STATED


@pytest.mark.parametrize("number", [2**53, 2**60, 10**20 - 1, -1, True, 1.5])
def test_attack_a_count_that_no_canonical_json_has(number: float) -> None:
    text = "true" if number is True else str(number)
    data = STATED.to_bytes().replace(b'"left":1', f'"left":{text}'.encode())
    with pytest.raises(FormatError):
        parse_destruction(data, where="here")


@pytest.mark.parametrize("places", ["{}", "[[]]", "null", '"cache"', "[]", '["/"]', "5"])
def test_attack_places_that_are_none(places: str) -> None:
    data = STATED.to_bytes().replace(b'["cache"]', places.encode())
    with pytest.raises(FormatError):
        parse_destruction(data, where="here")


@pytest.mark.parametrize("key", ["", "0a" * 31, " " + "0a" * 32, "0A" * 32, "0a " * 32, "0a" * 33])
def test_attack_one_key_in_another_form(key: str) -> None:
    """It would be another key to a ledger, which binds the first one to its person."""
    with pytest.raises(FormatError):
        parse_destruction(replace(STATED, key=key).to_bytes(), where="here")


def test_attack_a_digest_that_is_none() -> None:
    file = DestroyedFile(dataset="cps_2024", sha256="\x1b" * 64)
    with pytest.raises(FormatError):
        parse_destruction(replace(STATED, files=(file,)).to_bytes(), where="here")
