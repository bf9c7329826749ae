"""One declaration for many files, through build, push, clone and release of them."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from tests.support.sidecars import manifest_files

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox

BUILD = """
from pathlib import Path
import pyarrow as pa
import pyarrow.parquet as pq

Path("data/states").mkdir(parents=True, exist_ok=True)
for number, state in enumerate(["AL", "AK", "WY"]):
    rows = 10 + number
    table = pa.table({"household_id": range(rows), "household_weight": [1.5] * rows})
    pq.write_table(table, f"data/states/{state}.parquet")
"""
DVC_YAML = """
stages:
  build:
    cmd: python build.py
    deps: [build.py]
    outs: [data/states]
  manifests:
    cmd: pe-dvc manifest write
    deps: [data/states]
    outs:
      - manifests: {cache: false, persist: true}
  channel:
    cmd: pe-dvc channel update latest
    deps: [manifests]
artifacts:
  states:
    path: "data/states/{state_code}.parquet"
    type: dataset
    meta: {pe: {entities: {household: {key: household_id}}, weight: household_weight}}
"""
NAMES = ["states/AK", "states/AL", "states/WY"]


def test_many_files_by_one_declaration(built: Sandbox) -> None:
    built.write("build.py", BUILD)
    built.write("dvc.yaml", DVC_YAML)
    built.run("dvc", "repro")
    assert _manifests(built) == NAMES
    built.commit("States")
    built.pe_dvc("check")
    built.pe_dvc("push")
    verified = json.loads(built.pe_dvc("verify", "--json").stdout)
    assert {one["name"]: one["verdict"] for one in verified} == dict.fromkeys(NAMES, "ok")
    built.pe_dvc("channel", "promote", "latest", "next")

    # A clone has neither the files nor DVC's listing of them.
    shutil.rmtree(built.repo / "data")
    shutil.rmtree(built.repo / ".dvc/cache")
    verified = json.loads(built.pe_dvc("verify", "--json", code=1).stdout)
    assert {one["name"]: one["verdict"] for one in verified} == dict.fromkeys(NAMES, "missing")
    built.pe_dvc("pull", "states/AL")
    assert [path.name for path in (built.repo / "data/states").iterdir()] == ["AL.parquet"]
    built.pe_dvc("pull")
    built.pe_dvc("verify")

    built.write("build.py", BUILD.replace('"AK", ', ""))
    built.run("dvc", "repro")
    assert _manifests(built) == ["states/AL", "states/WY"], "what is gone has no manifest"


def _manifests(sandbox: Sandbox) -> list[str]:
    return sorted(
        f"states/{path.stem}" for path in manifest_files(sandbox.repo / "manifests/states")
    )
