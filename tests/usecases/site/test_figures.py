"""Which figures of a profile a page has, and the pictures made of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pe_dvc.documents.disclosure import Disclosure
from pe_dvc.documents.profile import ColumnProfile, Profile, TableProfile
from pe_dvc.usecases.site.figures import (
    Bars,
    Strip,
    allowed,
    rows_text,
    shape_of,
    share_of_non_zero,
)
from tests.support.described import PROFILE
from tests.support.disclosure import PUBLIC

GATED = Disclosure(access="gated", minimum_carriers=10)


def profile(access: str, minimum: int) -> Profile:
    values = PROFILE | {"access": access, "minimum_carriers": minimum}
    return Profile.from_bytes(json.dumps(values).encode())


@pytest.mark.parametrize(
    ("access", "minimum", "rule", "shown"),
    [
        ("public", 10, PUBLIC, True),
        ("gated", 10, GATED, True),
        ("gated", 30, GATED, True),
        ("public", 10, GATED, False),
        ("gated", 9, GATED, False),
        ("gated", 10, Disclosure(access="gated", minimum_carriers=30), False),
        ("unheard of", 10, GATED, False),
    ],
)
def test_a_profile_counts_if_its_rule_was_as_strict(
    access: str, minimum: int, rule: Disclosure, shown: bool
) -> None:
    assert (allowed(profile(access, minimum), rule) is not None) is shown


def test_few_rows_of_gated_data_are_not_said() -> None:
    assert rows_text(1234, GATED) == "1,234"
    assert rows_text(9, GATED) == "fewer than 10"
    assert rows_text(9, PUBLIC) == "9"


def table(weight: float | None, **column: Any) -> tuple[TableProfile, ColumnProfile]:
    values: dict[str, Any] = {"name": "person", "rows": 4, "columns": {"age": column}}
    if weight is not None:
        values["weight"] = {"column": "w", "sum": weight}
    found = TableProfile.model_validate_json(json.dumps(values))
    return found, found.columns["age"]


def test_the_share_that_is_not_zero_is_weighted_where_there_is_a_weight() -> None:
    assert share_of_non_zero(*table(20.0, carriers=1, weighted_carriers=5.0)) == 0.25
    assert share_of_non_zero(*table(None, carriers=1)) == 0.25
    assert share_of_non_zero(*table(20.0, carriers=1)) is None
    assert share_of_non_zero(*table(None)) is None


def test_rows_with_a_weight_are_counted_and_not_weighted() -> None:
    values = {"name": "person", "rows": 4, "weight": {"column": "w", "sum": 2000.0}}
    columns = {"w": {"carriers": 3, "weighted_carriers": 3.0}}
    found = TableProfile.model_validate_json(json.dumps(values | {"columns": columns}))
    assert share_of_non_zero(found, found.columns["w"]) == 0.75


def test_quantiles_become_a_strip() -> None:
    _, column = table(None, quantiles={"p5": 0, "p25": 10, "p50": 20, "p75": 30, "p95": 40.0})
    found = shape_of(column)
    assert isinstance(found, Strip)
    assert (found.low, found.box, found.median, found.box_end, found.high) == (0, 25, 50, 75, 100)
    assert found.text == "p5 0, p25 10, p50 20, p75 30, p95 40"
    assert dict(found.paths)["box"] == "M25 2H75V10H25z"


@pytest.mark.parametrize(
    "quantiles",
    [
        {},
        {"p5": 0, "p25": 0, "p75": 1, "p95": 1},
        dict.fromkeys(["p5", "p25", "p50", "p75", "p95"], 3),
        {"p5": -1.7e308, "p25": 0, "p50": 0, "p75": 0, "p95": 1.7e308},
    ],
    ids=["none", "without a median", "all alike", "a span that is no number"],
)
def test_there_is_no_strip_of_too_little(quantiles: dict[str, float]) -> None:
    assert shape_of(table(None, quantiles=quantiles)[1]) is None


def test_categories_become_bars() -> None:
    shares = [{"value": f"c{i}", "rows": 20, "share": 0.05} for i in range(14)]
    found = shape_of(table(None, categories=shares, other=0.3)[1])
    assert isinstance(found, Bars)
    assert len(found.bars) == 12
    assert [(bar.start, bar.length) for bar in found.bars[:2]] == [(0, 5), (5, 5)]
    assert [path[:26] for _, path in found.paths] == [
        "M0 2h5v8h-5zM10 2h5v8h-5zM",
        "M5 2h5v8h-5zM15 2h5v8h-5zM",
    ]
    assert found.text.endswith("c11 5%, and 2 more, others 30%")
