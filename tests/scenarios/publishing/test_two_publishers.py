"""Two maintainers, two clones, one channel: the second to push takes over what the first did."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.commands import GIT_STATUS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sandbox import Sandbox


SCRIPT = """
import pyarrow as pa
import pyarrow.parquet as pq

ids, weights = pa.array(range(ROWS), pa.int64()), pa.array([1.5] * ROWS, pa.float64())
pq.write_table(pa.table({"household_id": ids, "household_weight": weights}), "data/NAME.parquet")
"""
STAGE = """  NAME:
    cmd: mkdir -p data && python NAME.py
    deps: [NAME.py]
    outs: [data/NAME.parquet]
"""
NAMES = ("cps_2024", "enhanced_cps_2024")


def write_script(directory: Path, name: str, rows: int) -> None:
    script = SCRIPT.replace("ROWS", str(rows)).replace("NAME", name)
    (directory / f"{name}.py").write_text(script)


def build_apart(sandbox: Sandbox) -> None:
    """Build each dataset by a stage of its own, so that one can change without the other."""
    rest = (sandbox.repo / "dvc.yaml").read_text().partition("  manifests:\n")
    stages = "".join(STAGE.replace("NAME", name) for name in NAMES)
    sandbox.write("dvc.yaml", f"stages:\n{stages}{rest[1]}{rest[2]}")
    for rows, name in enumerate(NAMES, start=10):
        write_script(sandbox.repo, name, rows)
    sandbox.build()


def test_the_second_to_push_takes_over_what_the_first_did(built: Sandbox) -> None:
    sandbox = built
    build_apart(sandbox)
    sandbox.pe_dvc("push")
    sandbox.trust()
    other = sandbox.directory / "other"
    sandbox.run("git", "clone", "--quiet", str(sandbox.repo), str(other), cwd=sandbox.directory)
    sandbox.configure_remote(other)
    sandbox.run("dvc", "pull", "--quiet", cwd=other)
    write_script(other, "cps_2024", 20)
    sandbox.run("dvc", "repro", "--quiet", cwd=other)
    sandbox.run("git", "commit", "--quiet", "--all", "--message", "Other", cwd=other)
    sandbox.pe_dvc("push", cwd=other)
    write_script(sandbox.repo, "enhanced_cps_2024", 500)
    sandbox.build()

    said = sandbox.pe_dvc("push").stderr
    assert "another publisher was first: cps_2024 taken over into version" in said
    assert "commit channels/" in said
    assert "git pull" in said
    assert sandbox.run("dvc", "status").stdout.strip().endswith("up to date.")
    changed = sandbox.run(*GIT_STATUS).stdout.split()
    assert changed == ["M", "channels/us/latest.json"]
    for name, rows in (("cps_2024", 20), ("enhanced_cps_2024", 500)):
        shown = json.loads(sandbox.read("show", f"us/{name}@latest", "--json").stdout)
        assert shown["manifest"]["table"]["tables"][0]["rows"] == rows

    sandbox.commit("Take over")
    again = sandbox.json("push")
    assert (again["channel"]["written"], again["rebased"]) == ([], None)
    verified = sandbox.pe_dvc("verify")
    assert "git pull" in verified.stdout + verified.stderr


def test_two_who_changed_one_dataset_get_on_by_what_they_are_told(built: Sandbox) -> None:
    """The second keeps its build: dvc.lock and manifests are then as when it was made."""
    sandbox = built
    sandbox.pe_dvc("push")
    other = sandbox.directory / "other"
    sandbox.run("git", "clone", "--quiet", str(sandbox.repo), str(other), cwd=sandbox.directory)
    sandbox.configure_remote(other)
    for seed, repo in enumerate((sandbox.repo, other), start=8):
        (repo / "params.yaml").write_text(f"seed: {seed}\n")
        sandbox.run("dvc", "repro", "--quiet", cwd=repo)
        sandbox.run("git", "commit", "--quiet", "--all", "--message", "Rebuild", cwd=repo)
    sandbox.pe_dvc("push")
    said = sandbox.pe_dvc("push", cwd=other, code=1).stderr
    assert "run dvc repro and pe-dvc channel update latest, commit, and push again" in said

    sandbox.run("git", "pull", "--quiet", "--no-rebase", cwd=other, code=1)
    sandbox.run("git", "checkout", "--quiet", "--ours", ".", cwd=other)
    sandbox.run("git", "checkout", "--quiet", "--theirs", "channels", cwd=other)
    sandbox.run("dvc", "repro", "--quiet", cwd=other)
    assert "pe-dvc channel update latest" in sandbox.pe_dvc("verify", cwd=other, code=1).stdout
    sandbox.pe_dvc("channel", "update", "latest", cwd=other)
    sandbox.run("git", "commit", "--quiet", "--all", "--message", "Merge", cwd=other)
    pushed = sandbox.json("push", cwd=other)
    assert (pushed["channel"]["versions"]["latest"], pushed["rebased"]) == (3, None)
    assert sandbox.json("channel", "log", "latest", cwd=other)["broken"] is None
