"""From a producer's own files to a certified bundle and back: the real policyengine, end to end.

The dataset is as the US producer writes it: an HDFStore of one table an entity, and the Series
``_time_period``. The mirror is read by policyengine as Hugging Face's hub.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.hub_server import TOKEN, HubServer
from tests.support.producers import US_PYPROJECT, US_TAG

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scenarios.releasing.consumer import Consumer
    from tests.support.sandbox import Sandbox

REPO = "policyengine/populace-us"
BUILD = """
import json
from pathlib import Path
import numpy as np
import pandas as pd

person = pd.DataFrame({"person_id": [1, 2, 3], "person_household_id": [1, 1, 2]})
household = pd.DataFrame({"household_id": [1, 2], "household_weight": [10.0, 20.0]})
Path("data").mkdir(exist_ok=True)
with pd.HDFStore("data/populace_us_2024.h5", mode="w") as store:
    store.put("person", person, format="table", data_columns=True)
    store.put("household", household, format="table", data_columns=True)
    store.put("_time_period", pd.Series([2024]), format="table")
np.savez("data/populace_us_2024_calibration.npz", weights=np.ones(2))
for name in ("us_source_coverage", "calibration_diagnostics"):
    Path(f"data/{name}.json").write_text(json.dumps({"schema_version": 1, "name": name}))
"""
FILES = {
    "populace_us_2024": ("h5", "microdata"),
    "populace_us_2024_calibration": ("npz", "calibration"),
    "us_source_coverage": ("json", "diagnostics"),
    "calibration_diagnostics": ("json", "diagnostics"),
}
ENTITIES = """
        entities:
          person: {key: person_id, references: {household: person_household_id}}
          household: {key: household_id}
        weight: household_weight"""
# What the build recorded of its model; it is not installed where this test runs.
CLAIMS = """
compatible_model_packages = [{name = "policyengine-us", specifier = ">=2.2,<3"}]
"""


def pipeline() -> str:
    outs = [f"data/{name}.{suffix}" for name, (suffix, _) in FILES.items()]
    lines = [
        "stages:",
        f"  build: {{cmd: python build.py, deps: [build.py], outs: [{', '.join(outs)}]}}",
        f"  manifests: {{cmd: pe-dvc manifest write, deps: [{', '.join(outs)}],"
        " outs: [{manifests: {cache: false, persist: true}}]}",
        "  channel: {cmd: pe-dvc channel update latest, deps: [manifests]}",
        "artifacts:",
    ]
    for name, (suffix, kind) in FILES.items():
        described = ENTITIES if kind == "microdata" else ""
        lines += [
            f"  {name}:",
            f"    path: data/{name}.{suffix}",
            "    type: dataset",
            f"    meta:\n      pe:\n        kind: {kind}{described}",
        ]
    return "\n".join(lines) + "\n"


def test_a_producers_files_are_certified_fetched_and_opened(
    unbuilt_sandbox: Sandbox, consumer: Consumer, tmp_path: Path
) -> None:
    import pandas as pd

    made, hub = unbuilt_sandbox, HubServer(REPO)
    made.create()
    made.write("build.py", BUILD)
    made.write("dvc.yaml", pipeline())
    made.write("pyproject.toml", US_PYPROJECT + CLAIMS)
    made.write(".gitignore", "/data\n")
    made.build()
    made.run("git", "tag", US_TAG)
    made.pe_dvc("push")
    made.pe_dvc("release", "create", US_TAG, "--from-latest")
    made.commit("Release")
    made.pe_dvc("release", "push", US_TAG)
    made.environment |= {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}
    uri = made.pe_dvc(
        "release", "mirror", US_TAG, f"hf://dataset/{REPO}", "--latest", "latest.json"
    ).stdout.strip()
    hub.close()

    bundle = tmp_path / "bundle.json"
    packages = {"policyengine-us": {"version": "0"}, "policyengine-core": {"version": "3.33.3"}}
    bundle.write_text(json.dumps({"packages": packages}))
    consumer.hub.files = {(REPO, US_TAG, path): data for path, data in hub.at(US_TAG).items()}
    done = consumer.call("certify", bundle=bundle, uri=uri, model_version="2.2.1")
    assert (done["default"], done["build_id"]) == ("populace_us_2024", US_TAG)
    assert done["datasets"] == len(FILES)

    path = consumer.call("materialise", bundle=bundle, data_dir=tmp_path / "data")
    with pd.HDFStore(path) as store:  # for appending, as the model opens it
        assert list(store["_time_period"]) == [2024]
        assert len(store["person"]) == 3
    checked = made.pe_dvc(
        "release", "certified", US_TAG, "--bundle", str(bundle), "--record", "--json"
    )
    found = json.loads(checked.stdout)
    assert {pin["verdict"] for pin in found["pins"]} == {"held"}
    assert found["recorded"]["state"] == "certified"
    shown = made.json("show", "us/populace_us_2024@latest")
    assert "person" in json.dumps(shown)
