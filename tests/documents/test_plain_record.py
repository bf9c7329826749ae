"""Documents read without pydantic: the same fields, and nothing that it refuses."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel

from pe_dvc.documents import plain_values
from pe_dvc.documents.artifact import Artifact
from pe_dvc.documents.codebook import Codebook
from pe_dvc.documents.dataset_meta import DatasetMeta
from pe_dvc.documents.manifest import Manifest
from pe_dvc.documents.plain_fields import RECORDS
from pe_dvc.documents.plain_record import (
    PlainRecord,
    read_plain_codebook,
    read_plain_manifest,
    read_plain_meta,
)
from pe_dvc.documents.pydantic_reader import read_strict
from pe_dvc.primitives.errors import FormatError, UnsupportedVersionError
from tests.support import plain_fields
from tests.support.described import ABOUT, CODEBOOK, ONE_TABLE, TWO_TABLES
from tests.support.factories import manifest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHA = "a" * 64
PACKAGE = {"name": "policyengine-us", "version": "1.2.3", "wheel_sha256": SHA, "git_sha": "b" * 40}
ORIGIN = {"url": "https://example.org/raw", "path": "data/raw.csv", "revision": "c" * 40}
INPUTS = {
    "data_vintage": "cps_asec_2014",
    "model_package": PACKAGE | {"known_from": "lockfile"},
    "core_package": PACKAGE | {"locked_version": "1.2.2", "unlocked_reason": "a test"},
    "raw_inputs": [{"name": "raw/", "sha256": SHA, "source": ORIGIN}],
    "code": [{"name": "build.py", "sha256": SHA}],
    "calibration_targets": {"snapshot_id": "one", "sha256": SHA},
    "params": {"params.yaml": {"seed": 1, "none": None, "rates": [0.5, [1, "x"]]}},
    "lockfile_sha256": SHA,
    "packages": {"numpy": "2.0"},
    "source": ORIGIN | {"etag": "d"},
    "unknown": [{"fields": ["build.built_at"], "reason": "not stated"}],
    "composite_digest": SHA,
}
BUILD = {
    "git_commit": "e" * 40,
    "git_dirty": True,
    "built_at": "2026-04-20T12:00:00Z",
    "built_in": "ci",
    "statement": {"name": "b.json", "sha256": SHA, "format": "slsa-provenance-v1"},
}
MEMBERS = [
    {"name": "period", "type": "int64", "shape": [], "value": 2024},
    {"name": "share", "value": 0.25},
    {"name": "weights", "shape": [2, 3], "reason": "an array"},
]
TABLE = {
    "name": "person",
    "rows": 3,
    "entity": "person",
    "periods": {"2024": 3, "2025": 4},
    "content_sha256": SHA,
    "columns": [
        {"name": "age", "type": "int64", "nullable": False, "periods": ["2024"]},
        {"name": "state", "type": "dictionary<values=string>", "partition": True, "entity": "h"},
    ],
}
FULL: dict[str, Any] = {
    **json.loads(manifest_of(b"bytes", location="hf://datasets/a/b@c/d.parquet").to_bytes()),
    "inputs": INPUTS,
    "build": BUILD,
    "about": ABOUT,
    "table": {**TWO_TABLES, "tables": [TABLE], "members": MEMBERS, "period": "2024"},
    "sidecars": {"profile": {"sha256": SHA, "size": 5}},
    "later": {"none": None, "list": [1]},
}
DIRECTORY = copy.deepcopy(FULL)
DIRECTORY["artifact"] |= {
    "chunks": None,
    "members": {"digest": "dirHash", "count": 2, "sha256": SHA},
    "dvc": {"hash": "md5", "md5": "a" * 32 + ".dir"},
}
MANIFESTS = [
    FULL,
    DIRECTORY,
    json.loads(manifest_of(b"bytes").to_bytes()),
    json.loads(manifest_of(b"bytes").to_bytes()) | {"table": ONE_TABLE},
]
MEANINGS: dict[str, Any] = {
    "access": "gated",
    "variables": {
        "age": {
            "label": "Age",
            "unit": "year",
            "references": ["https://example.org"],
            "values": [
                *({"value": value, "label": "x"} for value in (True, 1, 1.5, "one", 1.0)),
            ],
            "quantity": "stock",
        }
    },
    "entities": {"person": {"label": "Person", "plural": "people"}},
    "sources": [{"name": "policyengine-us", "version": "1"}],
    "later": None,
}
CODEBOOKS = [MEANINGS, CODEBOOK, {}]
META: dict[str, Any] = {
    "country": "us",
    "rows": "tax_unit",
    "entities": {"tax_unit": {"key": "id", "references": {"household": "of"}}, "h": {"key": "k"}},
    "columns": {"age": "tax_unit"},
    "types": {"age": "int64"},
    "weight": "w",
    "kind": "microdata",
    "profile": False,
}
GATED = META | {"gates": {"rows": 0.05, "columns": False}}
METAS = [META, GATED, {}, {"entities": {1: {"key": "id"}}}, {"kind": "a" * 65}, {"licence": None}]

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, 1.0, 5e0]),
    st.text(max_size=8),
    st.sampled_from(["us", SHA, SHA + "\n", SHA.upper(), "ci", "md5", "hdf5", "public", "../x"]),
    st.sampled_from(["2026-04-20T12:00:00Z", "٢٠٢٦-04-20T12:00:00Z", "2026-04-20T12:00:00Z\n"]),
    st.sampled_from([[], {}, [None], [[]], [{}], {"a": None}, {"a": 1}, {"a": -1}, ["a"], [1]]),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of everything in a document."""
    items: Any = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


@st.composite
def altered(draw: st.DrawFn, documents: list[dict[str, Any]]) -> bytes:
    """A document in which a few things are others, are missing, or are new."""
    document = copy.deepcopy(draw(st.sampled_from(documents)))
    for _ in range(draw(st.integers(0, 2))):
        path = draw(st.sampled_from(list(places(document)) or [("access",)]))
        section = document
        for key in path[:-1]:
            section = section[key]
        how = draw(st.sampled_from(["other", "missing", "new", "renamed"]))
        if how == "other":
            section[path[-1]] = copy.deepcopy(draw(ODD))
        elif how == "missing":
            section.pop(path[-1], None) if isinstance(section, dict) else section.pop(path[-1])
        elif isinstance(section, dict):
            new = draw(st.sampled_from(["new", "to_json", "_extra", "model_fields", "a.b", ""]))
            kept = section.get(path[-1]) if how == "new" else section.pop(path[-1], None)
            section[new] = copy.deepcopy(draw(ODD)) if how == "new" else kept
    return json.dumps(document).encode()


def same(plain: Any, model: Any) -> None:
    """Check that a value means the same, down to the types of what is in it."""
    if isinstance(model, BaseModel):
        assert isinstance(plain, PlainRecord)
        assert type(plain).__name__ == type(model).__name__
        for name in type(model).model_fields:
            same(getattr(plain, name), getattr(model, name))
        assert str(plain) == str(model) or type(plain).__str__ is object.__str__
        assert bool(plain) == bool(model)
    elif isinstance(model, tuple | list):
        assert type(plain) is type(model)
        assert len(plain) == len(model)
        for one, other in zip(plain, model, strict=True):
            same(one, other)
    elif isinstance(model, dict):
        assert list(plain) == list(model)
        for key, inner in model.items():
            same(plain[key], inner)
    else:
        assert plain == model
        assert type(plain) is type(model) or isinstance(model, str)


@pytest.mark.parametrize("document", MANIFESTS)
def test_a_manifest_is_read_plainly(document: dict[str, Any]) -> None:
    data = json.dumps(document).encode()
    plain, model = read_plain_manifest(data), Manifest.from_bytes(data)
    same(plain, model)
    assert plain.to_json() == model.to_json()


@pytest.mark.parametrize("document", CODEBOOKS)
def test_a_codebook_is_read_plainly(document: dict[str, Any]) -> None:
    data = json.dumps(document).encode()
    plain, model = read_plain_codebook(data), Codebook.from_bytes(data)
    same(plain, model)
    assert plain.to_json() == model.to_json()
    for name in ("age", "nothing", "person"):
        same(plain.variable(name), model.variable(name))
        same(plain.entity(name), model.entity(name))


def test_no_codebook_is_an_empty_one() -> None:
    same(read_plain_codebook(None), Codebook())


@pytest.mark.parametrize("value", METAS)
def test_what_is_declared_is_read_plainly(value: dict[Any, Any]) -> None:
    compare_metas(value)
    plain = read_plain_meta(META, file="dvc.yaml", path="meta.pe")
    assert plain.gates == DatasetMeta().gates
    assert isinstance(plain, PlainRecord)


@given(data=altered([META, GATED]))
def test_of_altered_declarations_nothing_is_read_that_pydantic_refuses(data: bytes) -> None:
    compare_metas(json.loads(data))


def compare_metas(value: Any) -> None:
    plain = outcome(lambda value, where: read_plain_meta(value, file=where, path="pe"), value)
    model = outcome(
        lambda value, where: read_strict(DatasetMeta, value, file=where, path="pe"), value
    )
    if isinstance(model, str) or not isinstance(plain, PlainRecord):
        assert plain == model
    else:
        for name in DatasetMeta.model_fields:
            one, other = getattr(plain, name), getattr(model, name)
            if name == "gates":  # a model, in both
                assert one == other
            else:
                same(one, other)


def test_an_artifact_tells_the_same_of_itself() -> None:
    for document in (FULL, DIRECTORY):
        data = json.dumps(document).encode()
        plain, model = read_plain_manifest(data), Manifest.from_bytes(data)
        assert plain.reference == model.reference
        for name in ("is_directory", "key", "parts_key", "parts_sha256", "implied_parts"):
            assert getattr(plain.artifact, name) == getattr(model.artifact, name)
        elsewhere = model.artifact.model_copy(update={"location": None})
        other = model.artifact.model_copy(update={"kind": "other"})
        assert plain.artifact.is_same_as(elsewhere)
        assert elsewhere.is_same_as(plain.artifact)
        assert not plain.artifact.is_same_as(other)
        assert not other.is_same_as(plain.artifact)


@given(data=altered(MANIFESTS))
def test_of_altered_manifests_nothing_is_read_that_pydantic_refuses(data: bytes) -> None:
    compare(data, Manifest, read_plain_manifest)


@given(data=altered(CODEBOOKS))
def test_of_altered_codebooks_nothing_is_read_that_pydantic_refuses(data: bytes) -> None:
    compare(data, Codebook, read_plain_codebook)


def compare(data: bytes, document: Any, read: Any) -> None:
    model, plain = outcome(document.from_bytes, data), outcome(read, data)
    if isinstance(model, str) or not isinstance(plain, PlainRecord):
        assert plain == model
    else:
        assert plain.to_json() == model.to_json()
        same(plain, model)


def outcome(read: Callable[..., Any], data: Any) -> Any:
    """Return what is read, else what is said of it."""
    try:
        return read(data, where="here")
    except (FormatError, UnsupportedVersionError) as error:
        return f"{type(error).__name__}: {error}"


def test_what_pydantic_reads_otherwise_is_left_to_it() -> None:
    document = json.dumps({"variables": {"x": {"label": 5}}}).encode()
    with pytest.raises(FormatError, match=r"variables\.x\.label: Input should be a valid string"):
        read_plain_codebook(document, where="here")


def test_a_record_is_frozen_and_has_fields_alone() -> None:
    plain = read_plain_manifest(json.dumps(FULL).encode())
    with pytest.raises(AttributeError, match="frozen"):
        plain.artifact.name = "another"
    assert not hasattr(plain, "later")
    assert plain.to_json()["later"] == FULL["later"]


def test_the_fields_are_those_of_the_models() -> None:
    assert plain_fields.MODULE.read_text() == plain_fields.module(), "run make reference"


def test_every_rule_of_the_models_is_kept() -> None:
    """What JSON Schema does not say is checked by ``documents.payload``, or is a pattern too."""
    for name in RECORDS:
        model = plain_fields.models()[name]
        checks = model.__pydantic_decorators__
        held = {*checks.validators, *checks.field_validators, *checks.root_validators}
        assert not held | {*checks.field_serializers, *checks.model_serializers}
        assert model is Artifact or not checks.model_validators
        for field, info in model.model_fields.items():
            validated = any(isinstance(each, AfterValidator) for each in info.metadata)
            ours = model is Artifact and field in ("country", "name", "path")
            assert ours or not validated or "sha256" in field or field == "composite_digest"


def test_every_keyword_is_known() -> None:
    found = {
        key
        for record in RECORDS.values()
        for each in record["properties"].values()
        for key in keywords(each)
    }
    assert found <= plain_values.KEYWORDS
    patterns = [each for each in found_patterns(RECORDS) if not each.startswith("^")]
    assert patterns == []


def keywords(schema: dict[str, Any]) -> Iterator[str]:
    for key, value in schema.items():
        yield key
        if key in ("items", "additionalProperties"):
            yield from keywords(value)
        elif key == "patternProperties":
            for each in value.values():
                yield from keywords(each)
        elif key == "anyOf":
            for each in value:
                yield from keywords(each)


def found_patterns(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("pattern"), str):
            yield value["pattern"]
        for each in value.values():
            yield from found_patterns(each)
    elif isinstance(value, list):
        for each in value:
            yield from found_patterns(each)
