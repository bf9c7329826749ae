"""A dataset that the stage `manifests` does not depend on: said wherever its manifest lags."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox

LINE = "- data/extra.parquet"
DECLARED = """\
  extra:
    path: data/extra.parquet
    type: dataset
    meta: {pe: {entities: {household: {key: household_id}}}}
"""


@pytest.fixture
def forgotten(built: Sandbox) -> Sandbox:
    """Return a repo with one more dataset that DVC tracks and dvc.yaml declares."""
    shutil.copy(built.repo / "data/cps_2024.parquet", built.repo / "data/extra.parquet")
    grow(built, rows=3)
    built.write("dvc.yaml", (built.repo / "dvc.yaml").read_text() + DECLARED)
    return built


def grow(sandbox: Sandbox, rows: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = sandbox.repo / "data/extra.parquet"
    path.unlink()
    pq.write_table(pa.table({"household_id": list(range(rows))}), path)
    sandbox.run("dvc", "add", "--quiet", "data/extra.parquet")


def remember(sandbox: Sandbox) -> None:
    text = (sandbox.repo / "dvc.yaml").read_text()
    deps = "data/cps_2024.parquet]\n    outs:\n      - manifests"
    assert deps in text
    sandbox.write("dvc.yaml", text.replace(deps, deps.replace("]", ", data/extra.parquet]")))


def test_each_command_names_the_line(forgotten: Sandbox) -> None:
    skipped = forgotten.run("dvc", "repro").stdout
    assert "up to date" in skipped
    for command in ("check", "verify"):
        said = forgotten.pe_dvc(command, code=1).stdout
        assert LINE in said, command
        assert "stages.manifests.deps" in said, command
    forgotten.run("git", "add", "--all")
    assert LINE in forgotten.pe_dvc("check", "--staged", code=1).stdout
    refused = forgotten.pe_dvc("manifest", "write", code=1).stderr
    assert f"    {LINE}\n" in refused
    assert "dvc.yaml: stages.manifests.deps: lacks data/extra.parquet" in refused


def test_the_line_ends_it(forgotten: Sandbox) -> None:
    remember(forgotten)
    forgotten.run("dvc", "repro", "--quiet")
    forgotten.pe_dvc("check")
    forgotten.pe_dvc("verify")
    grow(forgotten, rows=5)
    forgotten.run("dvc", "repro", "--quiet")
    forgotten.pe_dvc("verify")


def test_a_folder_or_a_template_will_do(forgotten: Sandbox) -> None:
    text = (forgotten.repo / "dvc.yaml").read_text()
    listed = "deps: [data/enhanced_cps_2024.parquet, data/cps_2024.parquet]"
    for deps in (
        "[data]",
        "['${place}/extra.parquet', data/enhanced_cps_2024.parquet, 'data/c${x}']",
    ):
        forgotten.write("dvc.yaml", text.replace(listed, f"deps: {deps}"))
        forgotten.pe_dvc("manifest", "write")


def test_a_push_of_an_old_manifest_names_it_too(forgotten: Sandbox) -> None:
    remember(forgotten)
    forgotten.build()
    forgotten.pe_dvc("push")
    text = (forgotten.repo / "dvc.yaml").read_text()
    forgotten.write("dvc.yaml", text.replace(", data/extra.parquet]", "]"))
    forgotten.run("dvc", "repro", "--quiet")
    grow(forgotten, rows=7)
    forgotten.commit("Data without its manifest")
    assert LINE in forgotten.pe_dvc("push", code=1).stderr


def test_a_stage_that_runs_something_else_is_left_alone(built: Sandbox) -> None:
    text = (built.repo / "dvc.yaml").read_text()
    built.write("dvc.yaml", text.replace("cmd: pe-dvc manifest write", "cmd: make manifests"))
    built.pe_dvc("manifest", "write")
