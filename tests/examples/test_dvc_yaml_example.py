"""dvc.yaml.example is run, not only read: a stranger copies it as it stands."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.dvc.yaml import read_yaml
from pe_dvc.documents.dataset_meta import DatasetMeta
from tests.support.commands import run
from tests.support.paths import ROOT
from tests.support.sidecars import manifest_files

if TYPE_CHECKING:
    from pathlib import Path


EXAMPLE = ROOT / "dvc.yaml.example"

BUILD = {
    "cps": """
import pandas as pd

with pd.HDFStore("data/cps_2024.h5", "w") as store:
    persons = {"person_id": [1, 2, 3], "person_household_id": [7, 7, 9], "age": [41, 5, 66]}
    store.put("person", pd.DataFrame(persons), format="table")
    households = {"household_id": [7, 9], "household_weight": [11.0, 21.0]}
    store.put("household", pd.DataFrame(households), format="table")
""",
    "enhanced_cps": """
import pyarrow as pa
from pyarrow import parquet

units = {"tax_unit_id": [1, 2, 3], "household_id": [7, 7, 9], "age_head": [40, 24, 65]}
households = {"state_fips": [1, 1, 2], "household_weight": [10.5, 10.5, 20.0]}
parquet.write_table(pa.table(units | households), "data/enhanced_cps_2024.parquet")
""",
    "states": """
from pathlib import Path

import h5py

Path("data/states").mkdir(exist_ok=True)
for state, weight in {"AL": 11.0, "AK": 21.0}.items():
    with h5py.File(f"data/states/{state}.h5", "w") as file:
        file["person_id/2024"] = [1, 2]
        file["person_household_id/2024"] = [7, 7]
        file["household_id/2024"] = [7]
        file["household_weight/2024"] = [weight]
""",
}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    for directory in ("build", "data"):
        (root / directory).mkdir(parents=True)
    for name, script in BUILD.items():
        (root / f"build/{name}.py").write_text(script)
    (root / "pyproject.toml").write_text('[tool.pe_dvc]\ncountry = "us"\n')
    shutil.copyfile(EXAMPLE, root / "dvc.yaml")
    run("git", "init", "--quiet", cwd=root)
    run("dvc", "init", "--quiet", cwd=root)
    shutil.copyfile(ROOT / "templates/dvc-config", root / ".dvc/config")
    run("pe-dvc", "channel", "init", "--country", "us", cwd=root)
    return root


def test_example_runs(repo: Path) -> None:
    declared = read_yaml(EXAMPLE.read_bytes(), EXAMPLE.name)["artifacts"]
    run("dvc", "repro", cwd=repo)

    manifests = {
        path.relative_to(repo / "manifests").with_suffix("").as_posix(): json.loads(
            path.read_text()
        )
        for path in manifest_files(repo / "manifests")
    }
    assert manifests.keys() == declared.keys()
    rows = {
        name: {table["entity"]: table["rows"] for table in manifest["table"]["tables"]}
        for name, manifest in manifests.items()
    }
    assert rows == {
        "enhanced_cps_2024": {"tax_unit": 3},
        "cps_2024": {"person": 3, "household": 2},
        "states/AL": {"person": 2, "household": 1},
        "states/AK": {"person": 2, "household": 1},
        "states": {},  # the directory
    }
    pointer = json.loads((repo / "channels/us/latest.json").read_text())
    assert len(pointer["signed"]["targets"]) == len(declared)

    run("git", "add", "--all", cwd=repo)
    run("git", "commit", "--quiet", "--message", "Build", cwd=repo)
    run("dvc", "repro", cwd=repo)
    assert run("git", "status", "--porcelain", cwd=repo).stdout == ""
    assert "up to date" in run("dvc", "status", cwd=repo).stdout


def test_example_shows_every_field() -> None:
    declared = read_yaml(EXAMPLE.read_bytes(), EXAMPLE.name)["artifacts"]
    assert declared["enhanced_cps_2024"]["meta"]["pe"].keys() == DatasetMeta.model_fields.keys()


def test_example_declares_what_the_documents_read() -> None:
    """The datasets of README.md and docs/, so that a repo made from an example can run both."""
    documents = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    text = "\n".join(path.read_text() for path in documents)
    read = set(re.findall(r"us/(\w+)@latest", text)) - {"enhanced_cps_1924"}
    declared = read_yaml(EXAMPLE.read_bytes(), EXAMPLE.name)["artifacts"]
    of_the_cps = read_yaml((ROOT / "examples/us-cps/dvc.yaml").read_bytes(), "dvc.yaml")[
        "artifacts"
    ]
    assert read <= declared.keys() | of_the_cps.keys()
    assert declared["enhanced_cps_2024"]["path"].endswith(".parquet")  # read with pandas
    assert declared["cps_2024"]["path"].endswith(".h5")  # read with h5py
