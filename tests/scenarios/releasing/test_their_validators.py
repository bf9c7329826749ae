"""Our release manifests, by the checks of the producers' own validators (``their_validators``)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.documents.hub_pointer import hub_pointer
from pe_dvc.project.release_repo import ReleaseRepo
from tests.support import their_validators
from tests.support.producers import US_FIELDS, US_FILES, US_PYPROJECT, US_TAG
from tests.support.release_history import INPUTS, PYPROJECT, History

if TYPE_CHECKING:
    from pe_dvc.usecases.release.derive import Release

MODEL = "policyengine-us"
BUILT_WITH = INPUTS["model_package"]["version"]


def us(history: History, settings: str = US_PYPROJECT) -> Release:
    history.write("pyproject.toml", settings)
    history.release(US_TAG, datasets=US_FILES, fields=US_FIELDS)
    return ReleaseRepo(history.root).release(US_TAG)


def laid_out(release: Release) -> dict[str, bytes]:
    """Return the files of a release where a hub has them."""
    found = {release.hub_path(name): US_FILES[name] for name in release.manifest.artifacts}
    return found | {f"releases/{release.directory_id}/release_manifest.json": release.data}


def uk(history: History, more: str = 'visibility = "private"\n') -> dict[str, Any]:
    history.write("pyproject.toml", PYPROJECT + more)
    history.release("1.0.0")
    manifest: dict[str, Any] = json.loads(ReleaseRepo(history.root).release("1.0.0").data)
    return manifest


def test_uk_datas_validator_takes_a_release(history: History) -> None:
    assert [*their_validators.uk_data(uk(history))] == []


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda m: m["metadata"].pop("artifact_release"), "artifact_release: repo_id"),
        (lambda m: m["build"]["metadata"].pop("data_package_git_sha"), "data_package_git_sha"),
        (
            lambda m: m["build"]["built_with_model_package"].pop("data_build_fingerprint"),
            "built_with_model_package: data_build_fingerprint",
        ),
        (lambda m: m["artifacts"]["cps_2024"].pop("uri"), "cps_2024: uri None"),
        (lambda m: m["artifacts"]["cps_2024"].pop("metadata"), "cps_2024: repo_type"),
    ],
)
def test_the_oracle_of_uk_data_can_refuse(history: History, break_it: Any, said: str) -> None:
    manifest = uk(history)
    break_it(manifest)
    assert said in "\n".join(their_validators.uk_data(manifest))


def test_microcosms_validator_and_loader_take_a_release(history: History) -> None:
    release = us(history)
    files = laid_out(release)
    assert [*their_validators.release_dir(US_TAG, files)] == []
    pointer = json.loads(hub_pointer(US_TAG, US_TAG, list(files), moment="2026-09-15T00:00:00Z"))
    assert [*their_validators.load(pointer, files, MODEL, BUILT_WITH)] == []
    (refused,) = their_validators.load(pointer, files, MODEL, "9.9.9")
    assert "is outside of compatible_model_packages" in refused


def test_microcosms_validator_and_loader_can_refuse(history: History) -> None:
    """Without the settings that its layout takes, and without the files that it wants beside."""
    plain = US_PYPROJECT.replace('strip_prefix = "data/"\n', "")
    release = us(history, plain)
    files = laid_out(release)
    del files[release.hub_path("us_source_coverage")]
    said = [*their_validators.release_dir(US_TAG, files)]
    pointer = json.loads(hub_pointer(US_TAG, US_TAG, list(files), moment="2026-09-15T00:00:00Z"))
    said += their_validators.load(pointer, files, MODEL, BUILT_WITH)
    assert "no us_source_coverage.json" in said
    assert "path data/populace_us_2024.h5 does not match registry filename" in said
