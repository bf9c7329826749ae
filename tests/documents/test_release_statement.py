"""What a release manifest states of its build, as far as it does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pe_dvc.documents.statement_file import read_statement
from pe_dvc.primitives.errors import FormatError

A, B = "a" * 64, "b" * 64
ARTIFACTS = {"cps": {"path": "data/cps.h5", "sha256": A}, "odd": 3}
BUILD = {
    "build_id": "populace-us-2024",
    "built_at": "2026-09-15T01:14:54+02:00",
    "built_with_model_package": {
        "name": "policyengine_us",
        "version": "2.68.0",
        "git_sha": "5" * 40,
        "data_build_fingerprint": "sha256:x",
    },
    "built_with_core_package": {"name": "policyengine-core", "version": "3.28.1"},
    "raw_inputs": [{"name": "asec.zip", "sha256": B}, {"name": "no digest"}, 7],
    "calibration_targets": {"snapshot_id": "targets-7", "sha256": B},
    "build_environment": {"python_version": "3.13.7", "lockfile_sha256": A},
    "metadata": {"data_package_git_sha": "6" * 40, "built_in": "moon"},
}


def stated(artifacts: Any = ARTIFACTS, **build: Any) -> Any:
    document = {"schema_version": 1, "artifacts": artifacts, "build": build}
    return read_statement(json.dumps(document).encode(), where="release_manifest.json")


def test_what_it_states() -> None:
    found = stated(**BUILD)
    assert found.format == "policyengine-release-manifest"
    assert found.subjects == (("cps.h5", A),)
    assert found.packages == {"policyengine-us": "2.68.0", "policyengine-core": "3.28.1"}
    details = {"git_sha": "5" * 40, "data_build_fingerprint": "sha256:x"}
    assert found.details == {"policyengine-us": details}
    assert [(one.name, one.sha256) for one in found.raw_inputs] == [("asec.zip", B)]
    assert found.calibration_targets.snapshot_id == "targets-7"
    assert (found.python_version, found.lockfile_sha256) == ("3.13.7", A)
    assert (found.git_commit, found.built_in) == ("6" * 40, None)
    assert found.built_at == "2026-09-14T23:14:54Z"


def test_packages_are_not_said_of_artifacts_that_others_made() -> None:
    other = {**BUILD["built_with_model_package"], "version": "2.69.0"}  # type: ignore[dict-item]
    artifacts = {"cps": {"path": "cps.h5", "sha256": A, "built_with_model_package": other}}
    found = stated(artifacts, **BUILD)
    assert (found.packages, found.details) == ({}, {})


@pytest.mark.parametrize("build", [{}, {"build_id": "x"}, {"built_at": None, "raw_inputs": []}])
def test_one_that_states_nothing_is_no_statement(build: dict[str, Any]) -> None:
    with pytest.raises(FormatError, match="states no provenance"):
        stated(**build)
