"""Benchmarks of some rows: which a filter chooses, what is said of them, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pe_dvc.adapters.tables import parquet
from pe_dvc.adapters.tables.column_data import ColumnData
from pe_dvc.documents.benchmarks import read_benchmarks
from pe_dvc.documents.disclosure import GATED, Disclosure
from pe_dvc.documents.gates import Gates
from pe_dvc.documents.manifest import Contents, Entity, Table
from pe_dvc.documents.row_filter import Asked, Cells, Sums
from pe_dvc.primitives.errors import FormatError
from pe_dvc.usecases.channel.benchmark_gate import benchmarks
from pe_dvc.usecases.channel.nomination import HeldBenchmarks, Nomination
from tests.support.disclosure import PUBLIC
from tests.support.factories import manifest_of
from tests.support.tables import core_households, describe

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.usecases.channel.gate_results import Measured

ROWS = 40
PERSONS = {
    "person_id": list(range(ROWS)),
    "weight": [2.0] * ROWS,
    "income": [None if i == 39 else float(i) for i in range(ROWS)],
    "state": ["CA" if i < 20 else "NY" if i < 38 else None for i in range(ROWS)],
    "age": [i % 20 for i in range(ROWS)],
    "married": [i % 2 == 0 for i in range(ROWS)],
}


def held(*several: dict[str, Any]) -> HeldBenchmarks:
    common = {"column": "income", "value": 1.0, "tolerance": 0.5, "source": "s"}
    listed = [{"name": f"x{number}", **common, **fields} for number, fields in enumerate(several)]
    found = read_benchmarks({"benchmarks": listed}, file="b.yaml")
    return HeldBenchmarks(benchmarks=found, figures={}, measure=None, files={})


def measured(path: Path, rule: Disclosure = PUBLIC, **fields: Any) -> str:
    """Return what the gate measured of one benchmark, without the ratio."""
    (one,) = all_measured(path, rule, fields)
    return one


def all_measured(
    path: Path, rule: Disclosure, *several: dict[str, Any], signed: bool = False
) -> list[str]:
    """Return what the gate measured of several benchmarks, without the ratios."""
    found = of_persons(path, rule, *several)
    said = [one.result(rule.signed if signed else rule).measured for one in found]
    return [one.partition(" (")[0] for one in said]


def of_persons(path: Path, rule: Disclosure, *several: dict[str, Any]) -> list[Measured]:
    pq.write_table(pa.table(PERSONS), path / "x.parquet")
    found = describe(parquet, path / "x.parquet").tables[0]
    table = Table(name="person", rows=ROWS, entity="person", columns=found.columns)
    entities = {"person": Entity(key="person_id")}
    contents = Contents(format="parquet", tables=(table,), entities=entities, weight="weight")
    return judged(contents, ColumnData(path / "x.parquet", "parquet", "x", rule), rule, *several)


def judged(
    contents: Contents, data: ColumnData, rule: Disclosure, *several: dict[str, Any]
) -> list[Measured]:
    nominated = Nomination(
        name="cps",
        gates=Gates(benchmarks="b.yaml"),
        before=None,
        after=manifest_of(b"x").model_copy(update={"table": contents}),
        totals={},
        data=data,
        rule=rule,
        benchmarks=held(*several),
    )
    return list(benchmarks(nominated, "b.yaml"))


@pytest.mark.parametrize(
    ("filter_", "rows"),
    [
        ({"state": "CA"}, range(20)),
        ({"state": ["CA", "NY"]}, range(38)),
        ({"age": 3}, [3, 23]),
        ({"age": [3, 4]}, [3, 4, 23, 24]),
        ({"married": True}, range(0, 40, 2)),
        ({"income": {"min": 10}}, range(10, 39)),  # the column itself; missing is in no range
        ({"income": {"min": 10, "max": 20}}, range(10, 20)),  # max is not in it
        ({"state": "NY", "age": {"max": 5}}, range(20, 25)),  # all of it
        ({"state": "TX"}, []),
    ],
)
def test_a_filter_chooses_rows(tmp_path: Path, filter_: dict[str, Any], rows: list[int]) -> None:
    incomes = [float(i) for i in rows if i != 39]
    expected = {
        "total": 2 * sum(incomes),
        "mean": sum(incomes) / len(incomes) if incomes else 0.0,
        "carriers": sum(1 for one in incomes if one),
        "weighted_carriers": 2 * sum(1 for one in incomes if one),
    }
    for statistic, figure in expected.items():
        said = measured(tmp_path, filter=filter_, statistic=statistic)
        assert said == f"{figure:,.6g}", statistic


def test_the_total_of_the_weight_counts_rows_by_it_once(tmp_path: Path) -> None:
    assert measured(tmp_path, column="weight", filter={"state": "CA"}) == "40"


@pytest.mark.parametrize(
    ("filter_", "said"),
    [
        ({"state": "CA"}, "380"),
        ({"age": 3}, "not said"),  # two rows
        ({"income": {"max": 35}}, "not said"),  # all but four: the rest would be told
        ({"income": {"min": 0}}, "1,482"),  # all that have a value
    ],
)
def test_of_a_gated_country_few_rows_are_not_said(
    tmp_path: Path, filter_: dict[str, Any], said: str
) -> None:
    assert measured(tmp_path, GATED, filter=filter_) == said


def test_rows_whose_weight_is_in_another_table(tmp_path: Path) -> None:
    path = tmp_path / "cps.h5"
    with h5py.File(path, "w") as file:
        file["person_id/2024"] = np.arange(4)
        file["person_household_id/2024"] = np.array([10, 10, 20, 20])
        file["income/2024"] = np.array([1.0, 2.0, 3.0, 4.0])
        file["sex/2024"] = np.array([b"F", b"M", b"F", b"M"])
        file["household_id/2024"] = np.array([20, 10])
        file["household_weight/2024"] = np.array([100.0, 1.0])
    contents = core_households(path)
    data = ColumnData(path, "hdf5", "cps.h5", PUBLIC)
    (one,) = judged(contents, data, PUBLIC, {"filter": {"sex": "F"}})
    assert one.result(PUBLIC).measured.startswith("301 ")


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"filter": {"sate": "CA"}}, "no column 'sate', by which it is filtered"),
        ({"filter": {"age": "three"}}, "holds numbers, and a filter asks for texts"),
        ({"filter": {"state": {"min": 3}}}, "holds texts, and a filter asks for a range"),
        ({"filter": {"age": {}}}, "has no bound, or no number in it"),
        ({"filter": {"age": {"min": 5, "max": 5}}}, "has no bound, or no number in it"),
        ({"filter": {"age": []}}, "filter.age"),
        ({"filter": {"age": {"below": 5}}}, "filter.age"),
        ({"filter": {"age": 3}, "column": None, "measure": "x"}, "that a model computed"),
        ({"filter": {"age": 3}, "column": "incme"}, "has no figures of None"),
    ],
)
def test_a_wrong_filter_is_refused(tmp_path: Path, fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(FormatError, match=fault):
        measured(tmp_path, **fields)


@pytest.mark.parametrize(
    ("missing", "zeros", "said"), [(0, 0, True), (3, 40, False), (0, 3, False)]
)
def test_few_chosen_rows_without_a_value_are_not_told(missing: int, zeros: int, said: bool) -> None:
    """Profiles have the rows of a category: its carriers would tell how many of it are zero."""
    chosen = Sums(
        total=500.0,
        weight=100.0,
        carriers=50,
        weighted_carriers=60.0,
        missing=missing,
        zeros=zeros,
    )
    found = Cells({0: Sums(carriers=50), 1: chosen})
    (total,) = found.figures([Asked(conditions={}, statistic="total")], 10)
    assert GATED.figure(total) == 500
    for statistic in ("mean", "carriers", "weighted_carriers"):
        (figure,) = found.figures([Asked(conditions={}, statistic=statistic)], 10)
        assert (GATED.figure(figure) is not None) == said
        assert PUBLIC.figure(figure) is not None


SUBTRACTED: dict[str, list[dict[str, Any]]] = {
    "a few more": [{"age": {"max": 10}}, {"age": {"max": 11}}],
    "the same few from both sides": [{"age": {"min": 9}}, {"age": {"max": 10}}],
    "all but few, by parts": [
        {"income": {"max": 13}},
        {"income": {"min": 13, "max": 26}},
        {"income": {"min": 26, "max": 36}},
    ],
    "few in both": [{"state": "CA"}, {"age": {"min": 10}}],
}
"""Filters each of which chooses 10 rows or more and leaves out as many, and together fewer."""


@pytest.mark.parametrize("filters", SUBTRACTED.values(), ids=SUBTRACTED)
def test_filters_that_single_out_few_rows_by_subtraction(
    tmp_path: Path, filters: list[dict[str, Any]]
) -> None:
    asked = [{"filter": one} for one in filters]
    assert "not said" not in [all_measured(tmp_path, GATED, one)[0] for one in asked]
    *said, last = all_measured(tmp_path, GATED, *asked)
    assert last == "not said"
    assert "not said" not in said
    *_, signed = all_measured(tmp_path, PUBLIC, *asked, signed=True)
    assert signed == "a total of fewer than 10 rows"
    assert all_measured(tmp_path, PUBLIC, *asked)[-1:] == all_measured(tmp_path, PUBLIC, asked[-1])


def test_filters_that_cut_a_column_into_many_are_all_said(tmp_path: Path) -> None:
    cut = [{"income": {"max": 13}}, {"income": {"min": 13, "max": 26}}, {"income": {"max": 26}}]
    assert "not said" not in all_measured(tmp_path, GATED, *({"filter": one} for one in cut))


def test_more_filters_of_a_column_than_are_judged_together_are_refused() -> None:
    with pytest.raises(FormatError, match="has 61 filters of 'income', and 60 are judged"):
        held(*({"filter": {"age": age}} for age in range(61)))


def test_figures_of_different_columns_are_not_subtracted(tmp_path: Path) -> None:
    asked: list[dict[str, Any]] = [
        {"filter": {"age": {"max": 10}}},
        {"filter": {"age": {"max": 11}}, "column": "weight"},
    ]
    assert "not said" not in all_measured(tmp_path, GATED, *asked)


def test_the_ratio_to_a_benchmark_is_signed_with_the_figure_or_not_at_all(tmp_path: Path) -> None:
    """The value that it should be is in the file of benchmarks: the ratio tells the total."""
    (few,) = of_persons(tmp_path, PUBLIC, {"filter": {"age": 3}})
    assert few.result(PUBLIC).measured == "52 (52 of it)"
    assert few.result(PUBLIC.signed).measured == "a total of fewer than 10 rows"
