"""A declaration under the wrong key is an error; what other tools keep in ``meta`` is theirs."""

from __future__ import annotations

from typing import Any

import pytest

from pe_dvc.documents.declaration import read_declarations
from pe_dvc.documents.dvc_artifact import DeclaredArtifact
from pe_dvc.primitives.errors import FormatError

PE = {"entities": {"person": {"key": "person_id"}}, "weight": "w"}


def artifact(meta: Any, **others: Any) -> DeclaredArtifact:
    return DeclaredArtifact(
        name="cps",
        path="data/cps.parquet",
        meta=meta,
        file="dvc.yaml",
        others={"type": "dataset", **others},
    )


def test_what_is_right_is_read() -> None:
    (found,) = read_declarations([artifact({"pe": PE, "owner": "me"})], country="us")
    assert found.meta.weight == "w"


@pytest.mark.parametrize("key", ["ep", "PE", "Pe", " pe", "p", "pee", "pe_dvc", "pe-dvc"])
@pytest.mark.parametrize("value", [PE, {"weight": "w"}], ids=["whole", "without entities"])
def test_a_misspelt_key(key: str, value: dict[str, Any]) -> None:
    with pytest.raises(FormatError, match=rf"dvc\.yaml: artifacts\.cps\.meta\.{key}: ") as caught:
        read_declarations([artifact({"owner": "me", key: value})], country="us")
    assert "Did you mean pe?" in str(caught.value.remedy)


@pytest.mark.parametrize("key", ["policyengine", "us"])
def test_another_key_with_what_can_only_be_a_declaration(key: str) -> None:
    with pytest.raises(FormatError, match=rf"meta\.{key}: "):
        read_declarations([artifact({key: PE})], country="us")


def test_the_level_left_out() -> None:
    with pytest.raises(FormatError, match="level pe: is missing") as caught:
        read_declarations([artifact(PE)], country="us")
    assert caught.value.remedy == "Write it under meta.pe."


@pytest.mark.parametrize("meta", [None, {"owner": "me"}])
def test_beside_meta(meta: Any) -> None:
    with pytest.raises(FormatError, match=r"artifacts\.cps\.pe: is next to meta"):
        read_declarations([artifact(meta, pe=PE)], country="us")


@pytest.mark.parametrize("key", ["Meta", "mata", "metadata"])
def test_meta_misspelt(key: str) -> None:
    with pytest.raises(FormatError, match=rf"artifacts\.cps\.{key}: ") as caught:
        read_declarations([artifact(None, **{key: {"pe": PE}})], country="us")
    assert "Did you mean meta?" in str(caught.value.remedy)


@pytest.mark.parametrize(
    "meta",
    [
        None,
        "free text",
        ["pe"],
        {},
        {"framework": "sklearn", "p": 0.05, 3: "x"},
        {"type": {"rows": "dense"}, "training": {"rows": 100, "columns": {"x": "y"}}},
        {"ner": {"entities": {"PERSON": 12}}, "entities": ["person"]},
        {"pe_ratio": 17.2, "owner": {"country": "us", "kind": "team"}},
    ],
    ids=repr,
)
def test_what_is_others_is_left_alone(meta: Any) -> None:
    others = {"desc": "a model", "labels": ["pe", "x"]}
    assert read_declarations([artifact(meta, **others)], country="us") == ()
