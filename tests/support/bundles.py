"""A policyengine.py bundle that certifies a release, and its check."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pe_dvc.project.release import Releases

if TYPE_CHECKING:
    from pe_dvc.usecases.release.check_bundle import PinCheck
    from tests.support.release_history import History

REPO = "policyengine/policyengine-us-data"


def bundle_of(history: History) -> dict[str, Any]:
    """Return what policyengine.py writes; test_consumer has it write one itself."""
    national = history.manifests["cps_2024"].artifact
    datasets = {
        name: {
            "path": m.artifact.path,
            "repo_id": REPO,
            "revision": "1.0.0",
            "sha256": m.artifact.sha256,
        }
        for name, m in history.manifests.items()
    }
    return {
        "policyengine_version": "6.11.1",
        "data_package": {"name": "policyengine-us-data", "version": "1.0.0"},
        "datasets": datasets,
        "certified_data_artifact": {
            "dataset": "cps_2024",
            "sha256": national.sha256,
            "uri": f"hf://{REPO}/{national.path}@1.0.0",
        },
    }


def check(history: History, bundle: dict[str, Any]) -> dict[str, PinCheck]:
    path = history.base / "manifest.json"
    path.write_text(json.dumps({"data_releases": {"us": bundle}}))
    checks, update = Releases(history.root).check_bundle("1.0.0", path, record=True)
    assert (update is not None) == all(c.ok for c in checks)
    return {c.name: c for c in checks}
