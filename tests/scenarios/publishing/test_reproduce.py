"""A maintainer builds again what was published."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.sandbox import BUILD, DVC_YAML

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox

NAME = "enhanced_cps_2024"


def work_trees(sandbox: Sandbox) -> int:
    listed = sandbox.run("git", "worktree", "list", "--porcelain").stdout
    return listed.count("worktree ")


@pytest.fixture
def clean(built: Sandbox) -> Sandbox:
    """Return a repo whose newest build was of what was committed."""
    rebuild(built, BUILD)
    return built


def rebuild(sandbox: Sandbox, program: str) -> None:
    sandbox.write("build.py", program)
    sandbox.write("params.yaml", "seed: 8\n")
    sandbox.commit("Code")
    sandbox.build()


def test_the_same_bytes(clean: Sandbox) -> None:
    built = clean
    before = sandbox_files(built)
    said = built.pe_dvc("reproduce", NAME, "-o", "again.parquet").stdout
    assert said.startswith(f"same bytes {NAME} of commit ")
    assert said.rstrip().endswith("by build")
    again = built.repo / "again.parquet"
    assert again.read_bytes() == (built.repo / f"data/{NAME}.parquet").read_bytes()
    again.unlink()
    assert sandbox_files(built) == before
    assert work_trees(built) == 1


def sandbox_files(sandbox: Sandbox) -> dict[str, float]:
    """Return when each file of the clone was written, DVC's cache among them, not git's own."""
    kept = (p for p in sandbox.repo.rglob("*") if p.is_file() and ".git" not in p.parts)
    return {str(p): p.stat().st_mtime for p in kept if "/.dvc/tmp/" not in str(p)}


OTHERS = {
    "compression": 'import os\nhow = "gzip" if os.environ.get("AGAIN") else "snappy"\n',
    "values": "import os\nseed += bool(os.environ.get('AGAIN'))\n",
}


@pytest.mark.parametrize(("what", "code"), [("compression", 0), ("values", 1)])
def test_a_build_that_depends_on_more_than_its_inputs(built: Sandbox, what: str, code: int) -> None:
    changed = BUILD.replace("rows = 1000\n", f"rows = 1000\nhow = 'snappy'\n{OTHERS[what]}")
    line = 'pq.write_table(table, "data/enhanced_cps_2024.parquet"'
    rebuild(built, changed.replace(line, f"{line}, compression=how"))
    done = built.pe_dvc("reproduce", NAME, code=code, AGAIN="1")
    if what == "compression":
        assert done.stdout.startswith("same values")
        return
    assert done.stdout.startswith("different")
    assert "the first output that is another: data/cps_2024.parquet of stage build" in done.stdout
    assert "age_head" in done.stdout
    found = json.loads(built.pe_dvc("reproduce", NAME, "--json", code=1, AGAIN="1").stdout)
    assert found["changes"]["changes"][0]["columns"][0]["column"] == "age_head"
    assert found["changes"]["columns"] == {}


def test_what_cannot_be_built_again(clean: Sandbox) -> None:
    built = clean
    assert "has no manifest of 'nothing'" in built.pe_dvc("reproduce", "nothing", code=3).stderr
    manifest = built.repo / f"manifests/{NAME}.json"
    text = manifest.read_text()
    manifest.write_text(text.replace('"built_in": "local"', '"built_in": "ci"'))
    assert "is not committed" in built.pe_dvc("reproduce", NAME, code=3).stderr
    manifest.write_text(text.replace('"git_dirty": false', '"git_dirty": true'))
    built.commit("A dirty build")
    said = built.pe_dvc("reproduce", NAME, code=6).stderr
    assert "differed from git" in said
    assert built.pe_dvc("reproduce", NAME, "--dirty").stdout.startswith("same bytes")


def test_inputs_that_are_others_than_recorded(clean: Sandbox) -> None:
    built = clean
    manifest = built.repo / f"manifests/{NAME}.json"
    found = json.loads(manifest.read_text())
    found["inputs"]["code"][0]["sha256"] = "0" * 64
    manifest.write_text(json.dumps(found))
    built.commit("Another")
    said = built.pe_dvc("reproduce", NAME, code=6).stderr
    assert "build.py of the commit that holds the manifest" in said


def test_a_stage_that_fails_or_is_gone_and_data_that_was_added(built: Sandbox) -> None:
    rebuild(built, BUILD + "\nimport os; os.environ.get('AGAIN') and 1/0\n")
    said = built.pe_dvc("reproduce", NAME, code=6, AGAIN="1").stderr
    assert "dvc repro failed" in said
    assert work_trees(built) == 1
    (built.repo / "more.csv").write_text("household_id\n1\n")
    built.run("dvc", "add", "--quiet", "more.csv")
    artifacts = "  more:\n    path: more.csv\n    meta: {pe: {country: us, kind: other}}\n"
    stages = DVC_YAML.replace(
        "cps_2024.parquet]\n    outs:\n", "cps_2024.parquet, more.csv]\n    outs:\n"
    )
    built.write("dvc.yaml", stages.rstrip() + "\n" + artifacts)
    built.pe_dvc("manifest", "write")
    built.commit("Added")
    said = built.pe_dvc("reproduce", "more", code=6).stderr
    assert "more was added with dvc add: no stage of this repo builds it" in said
