"""Releases as PolicyEngine's producers have them: ids, cuts, paths, regions, claims."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import pe_dvc
from pe_dvc.primitives.errors import FormatError, NotFoundError, ReleaseError
from pe_dvc.project.release import Releases
from pe_dvc.project.release_repo import ReleaseRepo
from pe_dvc.project.settings import parse_settings
from tests.support.producers import (
    UK_LINE,
    UK_TAG,
    US_FIELDS,
    US_FILES,
    US_PYPROJECT,
    US_TAG,
)
from tests.support.release_history import DATASETS, PYPROJECT, History

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.usecases.release.derive import Release


def release(history: History, settings: str, tag: str, **more: Any) -> Release:
    history.write("pyproject.toml", settings)
    history.release(tag, **more)
    return ReleaseRepo(history.root).release(tag)


def refused(history: History, settings: str, tag: str = "1.0.0", **more: Any) -> str:
    with pytest.raises(ReleaseError) as caught:
        release(history, settings, tag, **more)
    assert "[tool.pe_dvc.release]" in (caught.value.remedy or "")
    return caught.value.message


def us(history: History, settings: str = US_PYPROJECT) -> Release:
    return release(history, settings, US_TAG, datasets=US_FILES, fields=US_FIELDS)


# Ids, versions and paths


def test_a_us_release_has_the_ids_and_paths_that_its_loader_wants(history: History) -> None:
    made = us(history)
    manifest = json.loads(made.data)
    assert manifest["build"]["build_id"] == US_TAG
    assert "cut_tag" not in manifest["build"]
    assert manifest["data_package"] == {"name": "microcosm-data", "version": "0.1.0"}
    paths = {name: artifact["path"] for name, artifact in manifest["artifacts"].items()}
    assert paths["populace_us_2024"] == "populace_us_2024.h5"
    assert paths["calibration_diagnostics"] == "calibration_diagnostics.json"
    assert {artifact["revision"] for artifact in manifest["artifacts"].values()} == {US_TAG}
    assert made.hub_path("populace_us_2024") == "populace_us_2024.h5"
    coverage = made.hub_path("us_source_coverage")
    assert coverage == f"releases/{US_TAG}/us_source_coverage.json"


def test_a_line_of_releases_has_one_id_and_each_cut_its_tag(history: History) -> None:
    line = f'tags = "microcosm-uk-*"\nid = "{UK_LINE}"\ndata_package_version = "0.1.0"\n'
    made = release(history, PYPROJECT + line, UK_TAG)
    assert made.manifest.build.build_id == UK_LINE
    assert made.manifest.build.cut_tag == UK_TAG
    assert made.hub_path("cps_2024") == "data/cps_2024.parquet"
    assert made.directory_id == UK_LINE


@pytest.mark.parametrize(
    ("settings", "build_id", "cut", "version"),
    [
        ('id = "{tag}"', "v1.0.0", None, "1.0.0"),
        ('id = "us-{version}-{commit}"\ncut_tag = true', "us-1.0.0-", "v1.0.0", "1.0.0"),
        ('id = "line"\ncut_tag = false\ndata_package_version = "{tag}"', "line", None, "v1.0.0"),
        ("", "policyengine-us-data-1.0.0-", None, "1.0.0"),
    ],
)
def test_ids_and_versions(
    history: History, settings: str, build_id: str, cut: str | None, version: str
) -> None:
    made = release(history, PYPROJECT + settings, "v1.0.0").manifest
    assert made.build.build_id.startswith(build_id)
    assert (made.build.cut_tag, made.data_package.version) == (cut, version)


def test_files_are_published_under_other_paths(history: History, tmp_path: Path) -> None:
    changed = PYPROJECT.replace('"data/states/', '"states/')
    settings = changed + 'strip_prefix = "data/"\npublish_as = {cps_2024 = "national/US.parquet"}'
    made = release(history, settings, "1.0.0")
    paths = {name: artifact.path for name, artifact in made.manifest.artifacts.items()}
    assert paths == {
        "cps_2024": "national/US.parquet",
        "states/AL": "states/AL.parquet",
        "states/WY": "states/WY.parquet",
    }
    mirror = made.manifest.artifacts["cps_2024"].preservation_mirrors[0]
    assert mirror.url.endswith("/1.0.0/national/US.parquet")
    Releases(history.root).export("1.0.0", tmp_path / "export")
    exported = tmp_path / "export/payload/national/US.parquet"
    assert exported.read_bytes() == DATASETS["cps_2024"]
    assert b'"trov:path": "national/US.parquet"' in made.tro


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('publish_as = {cps_2042 = "a.h5"}', "no dataset: cps_2042 (did you mean cps_2024?)"),
        (
            'publish_as = {cps_2024 = "data/states/AL.parquet"}',
            "states/AL and cps_2024 are both data/states/AL.parquet",
        ),
        (
            'publish_as = {cps_2024 = "release_manifest.json"}',
            "cps_2024 and the release's own document are both release_manifest.json",
        ),
        (
            'publish_as = {cps_2024 = "releases/1.0.0/trace.tro.jsonld"}',
            "cps_2024 and the release's own document are both releases/1.0.0/trace.tro.jsonld",
        ),
        ('id = "{tag}..x"', "its id '1.0.0..x' is not the name of a directory"),
        ('id = "-{tag}"', "its id '-1.0.0' is not the name of a directory"),
    ],
)
def test_layouts_that_cannot_be(history: History, settings: str, said: str) -> None:
    assert said in refused(history, PYPROJECT + settings)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ('id = "{branch}"', "id"),
        ('id = "a/b"', "id"),
        ('data_package_version = "{commit}"', "data_package_version"),
        ('strip_prefix = "data"', "strip_prefix"),
        ('strip_prefix = "../"', "strip_prefix"),
        ('publish_as = {cps_2024 = "../x"}', "publish_as.cps_2024"),
        ('publish_as = {cps_2024 = "/x"}', "publish_as.cps_2024"),
        ("extra = {artifacts = {}}", "extra"),
        ("extra = {metadata = 1}", "extra"),
        ("extra = {when = 2026-04-20}", "extra"),
        ('visibility = "secret"', "visibility"),
        ('is_default = "no"', "is_default"),
    ],
)
def test_settings_that_are_wrong_are_named(settings: str, key: str) -> None:
    with pytest.raises(FormatError, match=rf"tool\.pe_dvc\.release\.{key}"):
        _ = parse_settings((PYPROJECT + settings).encode(), where="x").release_settings


# What the validators of the producers ask for


def test_a_regional_release_names_no_default(history: History) -> None:
    regional = (
        US_PYPROJECT.replace('{national = "populace_us_2024"}', "{}")
        + 'dataset_role = "non_default_local_area"\nis_default = false\n'
        + 'extra = {namespace = "acs-local", reviewed_limitations = [], metadata = {tier = "x"}}\n'
    )
    manifest = json.loads(us(history, regional).data)
    assert manifest["default_datasets"] == {}
    assert (manifest["is_default"], manifest["dataset_role"]) == (False, "non_default_local_area")
    assert (manifest["namespace"], manifest["reviewed_limitations"]) == ("acs-local", [])
    assert manifest["metadata"] == {"tier": "x"}
    assert manifest["build"]["built_with_model_package"]["name"] == "policyengine-us"


@pytest.mark.parametrize(
    ("defaults", "is_default", "said"),
    [
        ("{}", "", "names no national dataset (a release that is no default"),
        ("{}", "is_default = true", "says is_default = false"),
        (
            '{national = "cps_2024"}',
            "is_default = false",
            "is_default is false, but default_datasets names cps_2024",
        ),
    ],
)
def test_defaults_and_is_default_must_agree(
    history: History, defaults: str, is_default: str, said: str
) -> None:
    settings = PYPROJECT.replace('{national = "cps_2024"}', defaults) + is_default
    assert said in refused(history, settings)


def test_visibility_brings_what_uk_datas_validator_asks_for(history: History) -> None:
    made = release(history, PYPROJECT + 'visibility = "private"', "1.0.0")
    manifest, repo = json.loads(made.data), "policyengine/policyengine-us-data"
    assert manifest["metadata"]["artifact_release"] == {
        "repo_id": repo,
        "repo_type": "dataset",
        "version": "1.0.0",
        "visibility": "private",
    }
    metadata = manifest["build"]["metadata"]
    assert metadata["data_package_git_sha"] == metadata["git_commit"]
    artifact = manifest["artifacts"]["cps_2024"]
    assert artifact["uri"] == f"hf://dataset/{repo}@1.0.0/data/cps_2024.parquet"
    assert artifact["metadata"] == {"repo_type": "dataset", "visibility": "private"}


# Claims after the fact


@pytest.fixture
def claimed(released: History) -> Releases:
    releasing = Releases(released.root)
    releasing.create("1.0.0")
    releasing.claim("1.0.0", "policyengine-us >=2.89, <2.91")
    releasing.claim("1.0.0", "PolicyEngine_Core~=3.40")
    released.commit("Claims")
    releasing.push("1.0.0")
    return releasing


def test_a_claim_is_signed_beside_the_same_release(
    released: History, claimed: Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    tagged, now = claimed.derive("1.0.0"), claimed.claimed("1.0.0")
    plain = json.loads(now.data)
    assert {"name": "policyengine-us", "specifier": "<2.91,>=2.89"} in plain[
        "compatible_model_packages"
    ]
    assert {"name": "policyengine-core", "specifier": "~=3.40"} in plain["compatible_core_packages"]
    unclaimed = json.loads(tagged.data)
    for name in ("compatible_model_packages", "compatible_core_packages"):
        assert plain.pop(name)[: len(unclaimed[name])] == unclaimed.pop(name)
    assert plain == unclaimed
    published = released.bucket / "us/releases/1.0.0/release_manifest.json"
    assert published.read_bytes() == tagged.data
    (signed,) = claimed.signed.releases().values()
    assert [str(claim) for claim in signed.claims] == [
        "policyengine-us<2.91,>=2.89",
        "policyengine-core~=3.40",
    ]
    assert claimed.verify("1.0.0")[0].artifacts == len(DATASETS)
    assert "claimed policyengine-us<2.91,>=2.89" in claimed.status()[0].detail
    monkeypatch.chdir(released.root)
    assert pe_dvc.fetch("us/cps_2024@1.0.0").read_bytes() == DATASETS["cps_2024"]


def test_the_same_claim_twice_changes_nothing(claimed: Releases) -> None:
    update = claimed.claim("1.0.0", "policyengine-us<2.91,>=2.89")
    assert (update.changed, len(update.released.claims)) == (False, 2)
    claimed.deprecate("1.0.0", "use 1.0.1")
    assert len(claimed.registered()["1.0.0"].claims) == 2


def test_policyengine_accepts_a_version_that_was_claimed_later(
    claimed: Releases, consumer: Any, tmp_path: Path
) -> None:
    path = tmp_path / "release_manifest.json"
    path.write_bytes(claimed.derive("1.0.0").data)
    assert "matches neither" in consumer.refusal("validate", manifest=path, model_version="2.90.1")
    path.write_bytes(claimed.claimed("1.0.0").data)
    done = consumer.call("validate", manifest=path, model_version="2.90.1")
    assert done["basis"] == "legacy_compatible_model_package"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("policyengine-us", "is not a compatibility claim"),
        ("policyengine-us>=", "is not a compatibility claim"),
        ("policyengine-us[dev]>=2", "is not a compatibility claim"),
        ("policyengine-us @ https://example.org/x.whl", "is not a compatibility claim"),
        ("policyengine-us>=2; python_version>'3'", "is not a compatibility claim"),
        ("policyengine-uk>=2", "was built with policyengine-core, policyengine-us, and"),
    ],
)
def test_claims_that_are_none(released: History, text: str, said: str) -> None:
    releasing = Releases(released.root)
    releasing.create("1.0.0")
    with pytest.raises(FormatError, match=said):
        releasing.claim("1.0.0", text)
    assert releasing.registered()["1.0.0"].claims == ()


def test_a_claim_of_a_release_that_is_none(released: History) -> None:
    with pytest.raises(NotFoundError, match=r"has no release '1\.0\.0'"):
        Releases(released.root).claim("1.0.0", "policyengine-us>=2")
