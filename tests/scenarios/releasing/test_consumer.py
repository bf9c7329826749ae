"""What policyengine.py makes of our releases: the real package loads, certifies and refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.project.release import Releases
from tests.support.release_history import DATASETS, INPUTS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scenarios.releasing.consumer import Consumer
    from tests.support.release_history import History

REPO = "policyengine/policyengine-us-data"
URI = f"hf://dataset/{REPO}@1.0.0/release_manifest.json"
BUILT_WITH = "1.690.0"
EMPTY_BUNDLE = {
    "packages": {"policyengine-us": {"version": "0"}, "policyengine-core": {"version": "3.33.3"}}
}


@pytest.fixture
def manifest(released: History, tmp_path: Path) -> Path:
    path = tmp_path / "release_manifest.json"
    path.write_bytes(Releases(released.root).derive("1.0.0").data)
    return path


def changed(manifest: Path, **changes: Any) -> Path:
    """Return a manifest with changed fields beside the given one."""
    path = manifest.with_name("changed.json")
    path.write_text(json.dumps({**json.loads(manifest.read_bytes()), **changes}))
    return path


def test_it_loads_what_we_wrote(consumer: Consumer, manifest: Path) -> None:
    ours = json.loads(manifest.read_bytes())
    theirs = consumer.call("load", manifest=manifest)
    assert theirs["data_package"]["version"] == "1.0.0"
    assert theirs["default_datasets"] == {"national": "cps_2024"}
    assert theirs["metadata"] == ours["metadata"]
    assert theirs["build"]["build_id"] == ours["build"]["build_id"]
    assert theirs["build"]["built_with_model_package"]["data_build_fingerprint"] == "sha256:f00d"
    for name, artifact in theirs["artifacts"].items():
        assert {k: v for k, v in artifact.items() if k in ours["artifacts"][name]}.items() <= {
            **ours["artifacts"][name],
            "preservation_mirrors": artifact["preservation_mirrors"],
        }.items()
        assert artifact["preservation_mirrors"][0]["sha256"] == artifact["sha256"]


@pytest.mark.parametrize(
    ("version", "basis"),
    [(BUILT_WITH, "built_with_model_package"), ("1.705.2", "legacy_compatible_model_package")],
)
def test_it_accepts_the_build_time_version_and_what_we_claim(
    consumer: Consumer, manifest: Path, version: str, basis: str
) -> None:
    done = consumer.call("validate", manifest=manifest, model_version=version)
    assert done["basis"] == basis
    assert not [w for w in done["warnings"] if "sha256" in w]


def test_it_refuses_what_it_should(consumer: Consumer, manifest: Path) -> None:
    refused = consumer.refusal("validate", manifest=manifest, model_version="1.691.0")
    assert "matches neither the build-time model" in refused
    refused = consumer.refusal(
        "validate", manifest=manifest, model_version=BUILT_WITH, core_version="9.9.9"
    )
    assert "policyengine-core 9.9.9 matches neither" in refused
    refused = consumer.refusal(
        "validate", manifest=changed(manifest, default_datasets={}), model_version=BUILT_WITH
    )
    assert "no national default" in refused
    refused = consumer.refusal(
        "validate",
        manifest=changed(manifest, default_datasets={"national": "nothing"}),
        model_version=BUILT_WITH,
    )
    assert "'nothing' is not among the manifest artifacts" in refused


def test_it_certifies_a_release_and_we_still_hold_every_pin(
    consumer: Consumer, released: History, tmp_path: Path
) -> None:
    releasing = Releases(released.root)
    release = releasing.create("1.0.0").release
    bundle = tmp_path / "manifest.json"
    bundle.write_text(json.dumps(EMPTY_BUNDLE))
    consumer.hub.files = {
        (REPO, "1.0.0", f"data/{name}.parquet"): data for name, data in DATASETS.items()
    }
    consumer.hub.files[REPO, "1.0.0", "release_manifest.json"] = release.data
    core = INPUTS["core_package"]["version"]
    done = consumer.call(
        "certify", bundle=bundle, uri=URI, model_version=BUILT_WITH, core_version=core
    )
    assert (done["sha256"], done["datasets"]) == (release.sha256, len(DATASETS))
    assert (done["default"], done["warnings"]) == ("cps_2024", [])
    assert done["build_id"] == release.manifest.build.build_id
    assert done["regions"] == ["national", "state"]
    assert release.sha256 in done["tro"], "its own TRO covers our release manifest"

    checks, update = releasing.check_bundle("1.0.0", bundle, record=True)
    assert [check.verdict for check in checks] == ["held"] * (1 + len(DATASETS))
    assert update is not None
    assert update.released.state == "certified"
    assert [row.state for row in releasing.status()] == ["certified"]


def test_it_refuses_to_certify_a_release_whose_dataset_is_not_served(
    consumer: Consumer, released: History, tmp_path: Path
) -> None:
    bundle = tmp_path / "manifest.json"
    bundle.write_text(json.dumps(EMPTY_BUNDLE))
    release = Releases(released.root).derive("1.0.0")
    consumer.hub.files = {(REPO, "1.0.0", "release_manifest.json"): release.data}
    refused = consumer.refusal("certify", bundle=bundle, uri=URI, model_version=BUILT_WITH)
    assert "not reachable" in refused
    assert "data_releases" not in json.loads(bundle.read_text())
