"""Declarations by a pattern: which files they are, and under which names."""

from __future__ import annotations

from typing import Any

import pytest

from pe_dvc.documents.dvc_artifact import DeclaredArtifact
from pe_dvc.documents.path_pattern import PathPattern, expand
from pe_dvc.primitives.errors import FormatError

FILES = ["data/states/AL.h5", "data/states/AK.h5", "data/states/x/AL.h5", "data/states/A L.h5",
         "data/states/.h5", "data/AL.h5", "data/states/AL.h5.bak"]  # fmt: skip


def names(path: str, files: list[str], **pe: Any) -> dict[str, str]:
    artifact = DeclaredArtifact(name="states", path=path, meta={"pe": pe}, file="dvc.yaml")
    return {found.name: found.path for found in expand([artifact], files, strict=True)}


def test_a_dataset_for_each_file_that_fits() -> None:
    assert names("data/states/{state_code}.h5", FILES) == {
        "states/AK": "data/states/AK.h5",
        "states/AL": "data/states/AL.h5",
    }


def test_names_by_a_template() -> None:
    path = "data/{state}/{year}/district-{number}.parquet"
    files = ["data/AL/2024/district-01.parquet", "data/AL/2025/district-02.parquet"]
    assert names(path, files, name="{state}-{number}/{year}") == {
        "AL-01/2024": files[0],
        "AL-02/2025": files[1],
    }
    assert list(names(path, files)) == ["states/AL/2024/01", "states/AL/2025/02"]


def test_a_gap_that_is_there_twice_is_the_same() -> None:
    files = ["d/AL/AL.h5", "d/AL/AK.h5"]
    assert list(names("d/{state}/{state}.h5", files)) == ["states/AL"]


@pytest.mark.parametrize(
    ("path", "pe", "said"),
    [
        ("d/{a}{b}.h5", {}, "is no part of a pattern"),
        ("d/{A}.h5", {}, "is no part of a pattern"),
        ("d/{a}.h5}", {}, "is no part of a pattern"),
        ("d/{a}.nc", {}, "fits no file that DVC tracks"),
        ("data/{a}.h5", {"name": "{b}"}, "has not the gaps of the path: a"),
        ("data/{a}.h5", {"name": "same"}, "has not the gaps of the path: a"),
        ("data/{a}.h5", {"name": 3}, "has not the gaps of the path: a"),
    ],
)
def test_a_pattern_that_is_none(path: str, pe: dict[str, Any], said: str) -> None:
    with pytest.raises(FormatError, match=said) as caught:
        names(path, FILES, **pe)
    assert str(caught.value.where).startswith("dvc.yaml: artifacts.states.")


def test_the_rest_of_the_declaration_is_the_same_and_others_stay() -> None:
    meta = {"owner": "x", "pe": {"name": "{s}", "kind": "weights"}}
    many = DeclaredArtifact(name="many", path="d/{s}.h5", meta=meta, file="dvc.yaml")
    one = DeclaredArtifact(name="one", path="d/{s}", meta={"x": 1}, file="dvc.yaml")
    found = list(expand([many, one], ["d/a.h5"]))
    assert [(f.name, f.meta) for f in found] == [
        ("a", {"owner": "x", "pe": {"kind": "weights"}}),
        ("one", {"x": 1}),
    ]
    assert list(expand([many], [])) == []


def test_matching_takes_no_time_to_speak_of() -> None:
    pattern = PathPattern.parse("/".join(["{a}b"] * 200), where="x")
    assert pattern.match("/".join(["ab" * 500] * 199 + ["x"])) is None
