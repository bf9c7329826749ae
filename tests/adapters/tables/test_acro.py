"""What a gated country may say, held against acro, which checks outputs of research centres.

acro's own settings are 10 values and 10 degrees of freedom. docs/disclosure.md says what differs.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from pe_dvc.adapters.tables.column_data import ColumnData
from pe_dvc.adapters.tables.data_file import DataFile
from pe_dvc.adapters.tables.profile import profile_of
from pe_dvc.adapters.tables.row_diff import compare_rows
from pe_dvc.adapters.tables.row_sides import Rows
from pe_dvc.documents.disclosure import GATED
from pe_dvc.documents.places import Place
from pe_dvc.documents.profile_plan import ColumnPlan, TablePlan
from pe_dvc.documents.row_filter import Asked
from pe_dvc.documents.table_schema import Hints
from tests.support.environment import without_package_clients
from tests.support.other_environments import FOLDER

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.profile import ColumnProfile

FEW = {"MinimumThresholdCheck", "MinimumDoFCheck"}
DOMINANCE = {"NKCheck", "PPercentCheck"}
STATISTICS = {"count": "carriers", "sum": "total", "mean": "mean", "std": "sd", "median": "p50"}
SIZES = [1, 2, 9, 10, 11, 12, 30]


Ask = Callable[[Sequence[tuple[str, Sequence[float]]]], list[set[str]]]


@pytest.fixture(scope="module")
def failed(acro: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Return what tells which checks of acro each statistic of some values fails."""
    place = tmp_path_factory.mktemp("acro")
    said = place / "said"
    with (
        said.open("w") as errors,
        subprocess.Popen(
            [acro, FOLDER / "acro_check.py"],
            cwd=place,
            env=without_package_clients(os.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        asks, answers = process.stdin, process.stdout

        def ask(questions: Sequence[tuple[str, Sequence[float]]]) -> list[set[str]]:
            asked = [{"statistic": name, "values": [*map(float, v)]} for name, v in questions]
            asks.write(json.dumps(asked) + "\n")
            asks.flush()
            answer = answers.readline()
            assert answer, said.read_text()
            return [set(checks) for checks in json.loads(answer)]

        yield ask
        asks.close()


def amounts(size: int) -> list[float]:
    return list(map(float, np.random.default_rng(size).uniform(100, 200, size).round(2)))


def profiled(path: Path, frame: pd.DataFrame) -> dict[str, ColumnProfile]:
    frame.to_parquet(path / "data.parquet")
    columns = tuple(
        ColumnPlan(place=Place(table="person", column=name), entity=None, is_key=False)
        for name in map(str, frame)
    )
    plan = TablePlan(
        name="person",
        entity="person",
        period=None,
        rows=len(frame),
        columns=columns,
        weight=None,
        link=None,
        via=None,
    )
    file = DataFile(path=path / "data.parquet", label="", rule=GATED, hints=Hints())
    (table,) = profile_of(file, "parquet", [plan]).tables
    return table.columns


def figures_of(found: ColumnProfile) -> set[str]:
    """Return the names of the figures that are said."""
    said = found.model_dump(exclude_none=True)
    return {*said, *(said.get("quantiles") or {})}


@pytest.mark.parametrize("zeros", [0, 400])
def test_a_profile_says_no_statistic_that_acro_takes_for_one_of_few(
    tmp_path: Path, failed: Ask, zeros: int
) -> None:
    questions = [(name, amounts(size)) for size in SIZES for name in STATISTICS]
    checks = iter(failed(questions))
    refused = 0
    for size in SIZES:
        frame = pd.DataFrame({"amount": amounts(size) + [0.0] * zeros})
        said = figures_of(profiled(tmp_path, frame)["amount"])
        for figure in STATISTICS.values():
            is_zero = figure == "p50" and zeros  # the median is one of the zeros
            if next(checks) & FEW and not is_zero:
                refused += 1
                assert figure not in said, f"{figure} of {size}"
        if size > 10:
            assert {"carriers", "total", "mean", "sd"} <= said
    assert refused == (13 if zeros else 16), "all of 1, 2 and 9 rows, and sd of 10"


def test_a_profile_says_no_category_that_acro_suppresses(tmp_path: Path, failed: Ask) -> None:
    sizes = {"north": 9, "south": 10, "east": 3, "west": 400, "abroad": 1}
    checks = failed([("count", range(size)) for size in sizes.values()])
    few = {name for name, found in zip(sizes, checks, strict=True) if found & FEW}
    states = [name for name, size in sizes.items() for _ in range(size)]
    found = profiled(tmp_path, pd.DataFrame({"state": states}))["state"]
    said = {category.value for category in found.categories or ()}
    assert few == {"north", "east", "abroad"}
    assert "west" in said
    assert not few & said


def test_a_benchmark_says_no_figure_that_acro_takes_for_one_of_few(
    tmp_path: Path, failed: Ask
) -> None:
    frame = pd.concat(pd.DataFrame({"size": size, "amount": amounts(size)}) for size in SIZES)
    frame.to_parquet(tmp_path / "x.parquet")
    data = ColumnData(tmp_path / "x.parquet", "parquet", "x", GATED)
    amount, by = Place(table="person", column="amount"), Place(table="person", column="size")
    statistics = {"sum": "total", "mean": "mean", "count": "carriers"}
    checks = iter(failed([(name, amounts(size)) for size in SIZES for name in statistics]))
    for size in SIZES:
        for statistic in statistics.values():
            asked = Asked(conditions={by: size}, statistic=statistic)
            (found,) = data.chosen(amount, None, None, [asked])
            assert (GATED.figure(found) is None) == bool(next(checks) & FEW), (
                f"{statistic} of {size}"
            )


def test_a_difference_names_no_group_that_acro_suppresses(tmp_path: Path, failed: Ask) -> None:
    sizes = {"north": 9, "south": 30, "east": 2, "west": 10}
    states = [name for name, size in sizes.items() for _ in range(size)] + ["else"] * 900
    before = pd.DataFrame({"id": range(len(states)), "state": states, "amount": 100.0})
    after = before.assign(amount=before["amount"].where(before["state"] == "else", 900.0))
    sides = []
    for name, frame in {"before": before, "after": after}.items():
        path = tmp_path / f"{name}.parquet"
        frame.to_parquet(path)
        file = DataFile(path=path, label=name)
        columns = tuple(frame.columns)
        sides.append(Rows(file=file, kind="parquet", table="unit", key="id", columns=columns))
    found = compare_rows(sides[0], sides[1], GATED)
    checks = failed([("count", range(size)) for size in sizes.values()])
    few = {name for name, one in zip(sizes, checks, strict=True) if one & FEW}
    groups = {where.bucket for where in found.where if where.column == "state"}
    assert few == {"north", "east"}
    assert not few & groups
    assert "south" in groups


def test_what_differs_from_acro_is_as_the_page_says(tmp_path: Path, failed: Ask) -> None:
    """docs/disclosure.md: dominance is not looked at; no maximum is said at all."""
    values = [*amounts(30), 1e6]
    questions = [("sum", values), ("max", values), ("min", values), ("median", values)]
    total, *others = failed(questions)
    assert total == DOMINANCE
    assert others == [set()] * 3
    found = profiled(tmp_path, pd.DataFrame({"amount": values}))["amount"]
    assert found.total == pytest.approx(sum(values))
    assert "1000000" not in found.model_dump_json()
