"""Benchmarks of a repo: of its list, of what a model computed, and of a calibration."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from pe_dvc.adapters.work_tree import WorkTree
from pe_dvc.documents.gates import Gates
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.project.gate_evidence import held_benchmarks
from pe_dvc.usecases.channel.benchmark_gate import benchmarks
from pe_dvc.usecases.channel.nomination import Nomination
from tests.support.disclosure import PUBLIC
from tests.support.factories import manifest_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LISTED = {"name": "UC", "measure": "uc", "value": 100, "tolerance": 0.1, "source": "DWP"}
CALIBRATION = {"file": "c.json", "targets": ["*"], "tolerance": 0.1}
TARGETS = [
    {"name": "tax@2023", "period": 2023, "source": "HMRC", "target": 50.0, "final_estimate": 51.0},
    {"name": "snap", "target": 10, "final_estimate": 5.0},
]


def results(content: Mapping[str, Any], figures: Mapping[str, float]) -> list[str]:
    """Return what the gate says of a repo with such files."""
    texts = {
        "b.yaml": yaml.safe_dump(dict(content)),
        "figures.json": json.dumps(figures),
        "c.json": json.dumps({"schema_version": 6, "targets": TARGETS}),
    }
    repo: Any = SimpleNamespace(tree=SimpleNamespace(read=lambda path: texts[path].encode()))
    gates = Gates(benchmarks="b.yaml", measure="figures.json")
    nominated = Nomination(
        name="cps",
        gates=gates,
        before=None,
        after=manifest_of(b"x"),
        totals={},
        data=None,  # type: ignore[arg-type]
        rule=PUBLIC,
        benchmarks=held_benchmarks(repo, gates),
    )
    return [str(one.result(PUBLIC)) for one in benchmarks(nominated, "b.yaml")]


def test_figures_that_no_benchmark_asks_for_are_no_silence() -> None:
    with pytest.raises(FormatError, match="no benchmark asks for its figures"):
        held_benchmarks(None, Gates(measure="figures.json"))  # type: ignore[arg-type]


def test_a_directory_for_a_file_of_benchmarks_is_told(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    repo: Any = SimpleNamespace(tree=WorkTree(tmp_path))
    with pytest.raises(NotFoundError, match="figures is a directory, not a file"):
        held_benchmarks(repo, Gates(benchmarks="figures"))


def test_targets_of_a_calibration_are_judged_beside_the_list() -> None:
    found = results({"benchmarks": [LISTED], "calibration": CALIBRATION}, {"uc": 95})
    files = [one.partition(": sha256:")[0] for one in found if "sha256:" in one]
    assert files == [
        f"passed benchmarks of {file}" for file in ("b.yaml", "figures.json", "c.json")
    ]
    source = "a calibration target in c.json"
    assert found[3:] == [
        "passed benchmarks of UC: 95 (0.95 of it); expected 100 within 0.1, by DWP",
        "passed benchmarks of tax@2023: 51 (1.02 of it); expected 50 within 0.1, by HMRC 2023",
        f"FAILED benchmarks of snap: 5 (0.5 of it); expected 10 within 0.1, by {source}",
    ]


@pytest.mark.parametrize(
    ("listed", "figures"),
    [([{**LISTED, "name": "snap"}], {"uc": 95}), ([LISTED], {"uc": 95, "snap": 10})],
)
def test_a_target_takes_no_name_of_another(listed: list[Any], figures: dict[str, float]) -> None:
    with pytest.raises(FormatError, match="'snap' has the name of another"):
        results({"benchmarks": listed, "calibration": CALIBRATION}, figures)
