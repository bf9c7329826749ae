"""static/tabulate.js, run by node: weighted tables of one or two variables."""

from __future__ import annotations

import random
from typing import Any

from tests.support.browser_client import STATIC, run_node
from tests.support.paths import ROOT

SCRIPT = ROOT / "tests/support/tabulate.mjs"


def tabulated(
    first: list[Any], second: list[Any] | None = None, weights: list[float] | None = None
) -> dict[str, Any]:
    """Return the labels of rows and columns, and the sums."""
    given = {
        "module": (STATIC / "tabulate.js").as_uri(),
        "first": first,
        "second": second,
        "weights": weights or [1.0] * len(first),
    }
    found: dict[str, Any] = run_node(SCRIPT, given)
    return found


def test_few_values_are_counted_one_by_one() -> None:
    found = tabulated(["b", "a", None, "a"], weights=[1, 2, 4, 8])
    assert found == {"rows": ["a", "b", "missing"], "columns": ["total"], "sums": [[10], [1], [4]]}


def test_numbers_are_in_their_order_and_not_in_that_of_texts() -> None:
    assert tabulated([10, 9, 2023, -1])["rows"] == ["-1", "9", "10", "2023"]


def test_two_variables_are_crossed() -> None:
    found = tabulated([1, 1, 2, 2], [True, False, True, True], [1, 2, 4, 8])
    assert found["rows"] == ["1", "2"]
    assert found["columns"] == ["false", "true"]
    assert found["sums"] == [[2, 1], [0, 12]]


def test_a_number_of_many_values_becomes_a_histogram_that_keeps_the_whole_weight() -> None:
    rng = random.Random(1)
    values: list[Any] = [rng.gauss(50_000, 20_000) for _ in range(2000)] + [None, 1e12]
    weights = [rng.random() for _ in values]
    found = tabulated(values, weights=weights)
    assert found["rows"][0].startswith("below ")
    assert found["rows"][-2].endswith(" and more")
    assert found["rows"][-1] == "missing"
    assert 8 < len(found["rows"]) < 20
    sums = [line[0] for line in found["sums"]]
    assert abs(sum(sums) - sum(weights)) < 1e-6
    assert max(sums) < 0.3 * sum(weights)
    assert sums[-1] == weights[-2]
    low, high = (float(text.replace(",", "")) for text in found["rows"][4].split(" to below "))
    inside = [w for v, w in zip(values, weights, strict=True) if v is not None and low <= v < high]
    assert abs(sums[4] - sum(inside)) < 1e-6


def test_a_histogram_has_no_empty_ends() -> None:
    rows = tabulated([float(number) for number in range(100)])["rows"]
    assert not rows[0].startswith("below ")


def test_many_texts_end_with_the_others() -> None:
    found = tabulated([f"v{number}" for number in range(100)], weights=[*map(float, range(100))])
    assert len(found["rows"]) == 31
    assert (found["rows"][0], found["rows"][-1]) == ("v99", "others")
    assert sum(line[0] for line in found["sums"]) == sum(range(100))


def test_no_rows_and_values_all_alike_are_tables() -> None:
    assert tabulated([])["sums"] == []
    assert tabulated([None, None])["rows"] == ["missing"]
    assert tabulated([0.5] * 3)["sums"] == [[3]]
