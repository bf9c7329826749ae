"""static/compare.js, run by node, finds what Python finds."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from pe_dvc.documents.movers import Figure, movers
from tests.support.paths import ROOT

SCRIPT = """
const { compare } = await import(process.argv[1]);
const [before, after] = JSON.parse(process.argv[2]);
console.log(JSON.stringify(compare(before, after)));
"""

Columns = dict[str, dict[str, float]]

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def compared(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    module = ROOT / "pe_dvc/site/static/compare.js"
    command = ["node", "--input-type=module", "--eval", SCRIPT, str(module)]
    given = json.dumps([before, after])
    done = subprocess.run([*command, given], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def version(sha256: str, known: Columns, **changes: Any) -> dict[str, Any]:
    figures = {"table": "person", "period": None, "weight": None, "columns": known}
    plain = {"sha256": sha256, "rows": {}, "columns": {}, "inputs": {}, "figures": [figures]}
    return plain | changes


BEFORE: Columns = {
    "a": {"total": 10.0, "mean": 1.0},
    "b": {"total": 0.0},
    "c": {"total": 5.0},
    "d": {"mean": 0},
}
AFTER: Columns = {
    "a": {"total": 11.0, "mean": 3.0},
    "b": {"total": 4.0},
    "c": {"total": 5.0},
    "d": {"mean": 2},
}


def test_the_order_of_movers_is_that_of_diff() -> None:
    found = compared(version("1", BEFORE), version("2", AFTER))

    def figures(columns: Columns) -> dict[Figure, float]:
        return {
            Figure("person", None, name, statistic): value
            for name, one in columns.items()
            for statistic, value in one.items()
        }

    expected = movers(figures(BEFORE), figures(AFTER))
    assert [(row["name"], row["change"]) for row in found["figures"]] == [
        (f"{one.statistic} of person.{one.column}", one.change) for one in expected
    ]


def test_what_came_went_and_changed_is_listed() -> None:
    before = version("1", {}, columns={"a": "int64", "b": "int64"}, rows={"p": 3})
    after = version("2", {}, columns={"a": "double", "c": "int64"}, rows={"p": 4})
    found = compared(before, after)
    assert found["columns"] == [
        {"name": "a", "before": "int64", "after": "double"},
        {"name": "b", "before": "int64", "after": None},
        {"name": "c", "before": None, "after": "int64"},
    ]
    assert found["rows"] == [{"name": "p", "before": 3, "after": 4}]


def test_names_of_javascript_s_own_are_names() -> None:
    before = version("1", {}, columns={"constructor": "int64"})
    after = version("2", {}, columns={"__proto__": "int64"})
    names = [
        (row["name"], row["before"], row["after"]) for row in compared(before, after)["columns"]
    ]
    assert names == [("__proto__", None, "int64"), ("constructor", "int64", None)]


def test_the_same_version_has_no_changes() -> None:
    found = compared(version("1", BEFORE), version("1", BEFORE))
    assert found == {"same": True, "figures": [], "rows": [], "columns": [], "inputs": []}
