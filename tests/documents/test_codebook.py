"""Codebooks: the sidecar, and what a repo declares over its model."""

from __future__ import annotations

import json

import pytest

from pe_dvc.documents.codebook import EMPTY, Codebook
from pe_dvc.documents.codebook_declaration import read_declared_codebook
from pe_dvc.primitives.errors import FormatError, UnsupportedVersionError
from tests.support.described import codebook

DECLARED = {
    "entities": {"person": {"label": "Individual"}},
    "columns": {
        "age": {"label": "Age at interview"},
        "e00200": {"label": "Wages", "unit": "USD", "values": {0: "none", "x": "unknown"}},
    },
}


def test_the_same_codebook_gives_the_same_bytes_and_comes_back() -> None:
    data = codebook().to_bytes()
    assert Codebook.from_bytes(data) == codebook()
    assert Codebook.from_bytes(data).to_bytes() == data
    assert b"null" not in data


def test_what_a_repo_declares_goes_over_what_the_model_says_field_by_field() -> None:
    found = codebook().overlaid(read_declared_codebook(DECLARED).codebook())
    assert found.variable("age").label == "Age at interview"
    assert found.variable("age").unit == "year"
    assert found.entity("person").label == "Individual"
    assert found.entity("person").plural == "people"
    labels = [(coded.value, coded.label) for coded in found.variable("e00200").values]
    assert labels == [(0, "none"), ("x", "unknown")]
    assert not isinstance(labels[0][0], bool)


def test_only_what_a_dataset_has_is_kept() -> None:
    found = codebook().only({"age"}, {"person"})
    assert list(found.variables) == ["age"]
    assert list(found.entities) == ["person"]
    assert codebook().only({"nothing"}, set()) == EMPTY


def test_a_newer_codebook_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedVersionError, match="this codebook has schema version 2"):
        Codebook.from_bytes(b'{"schema_version": 2}')


def test_fields_of_a_newer_minor_version_are_kept() -> None:
    data = json.dumps({"schema_version": 1, "later": 1}).encode()
    assert b"later" in Codebook.from_bytes(data).to_bytes()


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"colums": {}}, "codebook.yaml: codebook.colums"),
        ({"columns": {"age": "Age"}}, "codebook.yaml: codebook.columns.age"),
        ({"columns": {"age": {"lable": "Age"}}}, "codebook.yaml: codebook.columns.age.lable"),
        ({"columns": {"age": {"values": {1: 2}}}}, "codebook.yaml: codebook.columns.age.values.1"),
        ({"columns": {1: {}}}, "codebook.yaml: columns"),
        ({"model": "../model.json"}, "codebook.yaml: model"),
        ({"model": "/etc/passwd"}, "codebook.yaml: model"),
        ({"model": 1}, "codebook.yaml: codebook.model"),
    ],
)
def test_a_wrong_declaration_names_the_key(value: dict[str, object], where: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_declared_codebook(value)
    assert str(caught.value.where).startswith(where)
    assert caught.value.remedy
