"""A partitioned directory among datasets, through all that a maintainer does with them."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.sandbox import RELEASE
from tests.support.tracked_directory import DEP

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox

NAME = "people"
DECLARED = f"""
  {NAME}:
    path: data/{NAME}
    type: dataset
    meta:
      pe:
        entities: {{person: {{key: person_id}}}}
        weight: weight
        gates: {{rows: 0.1, totals: {{weight: 0.1}}}}
"""


def write_people(sandbox: Sandbox, rows: int) -> None:
    """Write two years of people; their keys are unique in all parts together."""
    folder = sandbox.repo / "data" / NAME
    shutil.rmtree(folder, ignore_errors=True)
    for number, year in enumerate((2024, 2025)):
        ids = [number * 1_000_000 + n for n in range(rows)]
        table = pa.table({"person_id": ids, "weight": [1.0] * rows})
        (folder / f"year={year}").mkdir(parents=True)
        pq.write_table(table, folder / f"year={year}/part-0.parquet")
    sandbox.run("dvc", "add", "--quiet", f"data/{NAME}")


def manifest_of(sandbox: Sandbox) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((sandbox.repo / f"manifests/{NAME}.json").read_bytes())
    return found


@pytest.fixture
def people(built: Sandbox) -> Sandbox:
    """Return a repo with two files and a directory, published and nominated."""
    write_people(built, 100)
    pipeline = (built.repo / "dvc.yaml").read_text()
    built.write("dvc.yaml", pipeline.replace(DEP, f"{DEP[:-1]}, data/{NAME}]") + DECLARED)
    pyproject = built.repo / "pyproject.toml"
    built.write("pyproject.toml", pyproject.read_text() + RELEASE)
    built.build()
    built.pe_dvc("push")
    built.pe_dvc("channel", "promote", "latest", "next")
    built.commit("Nominate")
    built.pe_dvc("push")
    built.pe_dvc("trust", "add", "us", "channels/us/root.json")
    return built


def test_it_is_nominated_by_gates_compared_and_taken_back(people: Sandbox) -> None:
    (table,) = manifest_of(people)["table"]["tables"]
    assert (table["rows"], table["entity"]) == (200, "person")
    first = people.json("show", f"us/{NAME}@next")["manifest"]["artifact"]["sha256"]
    write_people(people, 80)
    people.build()
    people.pe_dvc("push")
    compared = people.pe_dvc("diff", f"us/{NAME}@next", f"us/{NAME}@latest", code=None)
    assert compared.returncode in (0, 1), compared.stderr
    assert "160" in compared.stdout
    refused = people.pe_dvc("channel", "promote", "latest", "next", code=1)
    assert "rows" in refused.stderr + refused.stdout
    # From the bucket, where the workspace has another one by now.
    write_people(people, 3)
    why = ("--override", "A smaller sample")
    people.pe_dvc("channel", "promote", "latest", "next", *why)
    write_people(people, 80)
    people.run("dvc", "repro", "--quiet")
    people.commit("Nominate a smaller sample")
    people.pe_dvc("push")
    assert people.json("show", f"us/{NAME}@next")["manifest"]["artifact"]["sha256"] != first
    people.pe_dvc("channel", "rollback", "latest", "--to", "2", "--reason", "Too few rows", NAME)
    write_people(people, 100)
    people.run("dvc", "repro", "--quiet")
    people.commit("Go back")
    people.pe_dvc("push")
    assert people.json("show", f"us/{NAME}@latest")["manifest"]["artifact"]["sha256"] == first
    assert people.json("fsck")["findings"] == []
    out = people.directory / "out"
    people.pe_dvc("get", f"us/{NAME}@latest", "-o", str(out))
    assert pq.read_table(out).num_rows == 200


def test_keys_that_occur_twice_in_two_parts_are_found(people: Sandbox) -> None:
    folder = people.repo / "data" / NAME
    shutil.copyfile(folder / "year=2024/part-0.parquet", folder / "year=2025/part-0.parquet")
    people.run("dvc", "add", "--quiet", f"data/{NAME}")
    refused = people.run("dvc", "repro", "--quiet", code=None)
    assert refused.returncode != 0
    assert "is not unique in data/people" in refused.stderr + refused.stdout


def test_a_release_says_how_it_goes_without_the_directory(people: Sandbox) -> None:
    people.run("git", "tag", "1.0.0")
    refused = people.pe_dvc("release", "create", "1.0.0", code=1).stderr
    assert "these datasets are directories: people" in refused
    assert 'without = ["people"]' in refused
    pyproject = people.repo / "pyproject.toml"
    people.write("pyproject.toml", pyproject.read_text() + 'without = ["people"]\n')
    people.run("dvc", "repro", "--quiet")
    people.commit("Leave people out of releases")
    people.run("git", "tag", "1.0.1")
    people.pe_dvc("release", "create", "1.0.1")
    people.commit("Release 1.0.1")
    people.pe_dvc("push")
    people.pe_dvc("release", "push", "1.0.1")
    people.pe_dvc("release", "verify", "1.0.1")
    people.pe_dvc("release", "deprecate", "1.0.1", "--reason", "Use 1.0.2")
    people.commit("Deprecate 1.0.1")
    people.pe_dvc("push")
    people.pe_dvc("get", "us/cps_2024@1.0.1")
    assert people.pe_dvc("get", f"us/{NAME}@1.0.1", code=None).returncode == 3
    assert "nothing to remove" in people.pe_dvc("gc", "--grace-days", "0").stderr.casefold()
    assert people.json("fsck")["findings"] == []
