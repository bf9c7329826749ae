"""Benchmarks from a calibration's targets, in the forms that PolicyEngine published."""

from __future__ import annotations

from typing import Any

import pytest

from pe_dvc.documents.benchmarks import calibrated, read_benchmarks, read_calibration
from pe_dvc.documents.calibration_diagnostics import MOST, Calibration
from pe_dvc.primitives.errors import FormatError

# As in populace-us-2024 of June 2026, and as microcosm writes it since.
FIRST = {
    "name": "nation/irs/adjusted gross income/total/AGI in -inf-0/all returns/All",
    "target": -150574000000.0,
    "initial_estimate": -35824200000.0,
    "final_estimate": -140299000000.0,
    "relative_error": -0.0682404,
    "within_tolerance": True,
}
SINCE = {
    "name": "jrc_national_income_tax_amount@2023",
    "target_name": "jrc_national_income_tax_amount",
    "period": 2023,
    "entity": "person",
    "measure": {"kind": "column", "name": "cr_tin"},
    "filter": None,
    "source": "jrc.euromod_be.cy2023.macrovalidation",
    "metadata": {"concept": "national personal income tax"},
    "target": 69325000000,
    "compiled_target": 69325000000.0,
    "final_estimate": 68393536598.46842,
    "within_tolerance": True,
}
CONTENT = {"schema_version": 6, "weight_entity": "household", "targets": [FIRST, SINCE]}


def chosen(*targets: str) -> Calibration:
    return Calibration(file="calibration_diagnostics.json", targets=list(targets), tolerance=0.1)


def test_targets_are_benchmarks_of_what_was_estimated() -> None:
    (agi, _), (tax, estimate) = calibrated(CONTENT, chosen("nation/irs/*", "jrc_*@2023"))
    assert (agi.name, agi.value, agi.tolerance) == (FIRST["name"], -150574000000.0, 0.1)
    assert agi.said_by == "a calibration target in calibration_diagnostics.json"
    assert tax.said_by == "jrc.euromod_be.cy2023.macrovalidation 2023"
    assert (tax.value, estimate) == (69325000000.0, 68393536598.46842)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ([], "no list of targets"),
        ({"targets": [1]}, "no list of targets"),
        ({"targets": [{"name": "other"}]}, "has no target 'x\\*'"),
        ({"targets": [{"name": "x", "target": 1.0, "final_estimate": None}]}, "expected a number"),
        ({"targets": [{"name": "x", "target": True, "final_estimate": 1}]}, "expected a number"),
        ({"targets": [{**SINCE, "name": f"x{i}"} for i in range(MOST + 1)]}, "200 may be"),
    ],
)
def test_another_form_is_refused(content: Any, fault: str) -> None:
    with pytest.raises(FormatError, match=fault):
        calibrated(content, chosen("x*"))


def test_a_file_may_have_a_calibration_alone() -> None:
    content = {"calibration": {"file": "c.json", "targets": ["x"], "tolerance": 0.1}}
    assert read_benchmarks(content, file="b.yaml") == ()
    found = read_calibration(content, file="b.yaml")
    assert found == Calibration(file="c.json", targets=["x"], tolerance=0.1)
    assert read_calibration({"benchmarks": []}, file="b.yaml") is None
    with pytest.raises(FormatError, match=r"calibration\.targets"):
        read_calibration({"calibration": {"file": "c.json", "tolerance": 0.1}}, file="b.yaml")
