"""Profiles of more rows than are held at once: the same figures, in memory that does not grow."""

from __future__ import annotations

import tracemalloc
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from pe_dvc.adapters.tables import number_column, profile, profile_weights, spill
from pe_dvc.adapters.tables.distribution import Wanted, distribution_of
from pe_dvc.adapters.tables.number_column import NumberColumn
from pe_dvc.documents.disclosure import GATED
from tests.support.disclosure import PUBLIC
from tests.support.profiles import people, plain, profiled, profiled_persons

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from pe_dvc.documents.disclosure import Disclosure

RULES = pytest.mark.parametrize("rule", [PUBLIC, GATED], ids=["public", "gated"])


def hold(patch: pytest.MonkeyPatch, rows: int) -> None:
    """Have only so many rows held at once, and put aside in a file what is more."""
    for module in (number_column, profile, profile_weights):
        patch.setattr(module, "TOGETHER", rows)
    patch.setattr(number_column, "_LEAST", 64)
    patch.setattr(spill, "_IN_MEMORY", 100)


def alike(found: Any, expected: Any) -> bool:
    """Compare figures; the last digit of ten may differ by the order of a sum."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        return all(alike(found[name], expected[name]) for name in expected)
    if isinstance(expected, list | tuple):
        return len(found) == len(expected) and all(map(alike, found, expected))
    if isinstance(expected, int | float):
        return bool(found == pytest.approx(expected, rel=1e-9))
    return bool(found == expected)


def every_kind() -> pd.DataFrame:
    """Return columns of all kinds, with many equal values, and codes that end."""
    frame = people()
    random, rows = np.random.default_rng(5), len(frame)
    return frame.assign(
        rounded=frame.income.round(-3),
        few_large=random.choice([-1e6, 0.5, 3e6, 4e6], rows),
        one=np.full(rows, 1e7),
        late=np.where(np.arange(rows) < rows - 50, 1.0, 0.25),
        far=np.where(np.arange(rows) < rows - 50, 1, 10**9),
        codes=random.integers(-400, 400, rows),
        texts_then=frame.state,
    )


@RULES
@pytest.mark.parametrize("rows", [100, 997])
def test_figures_are_the_same_of_more_rows_than_are_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: Disclosure, rows: int
) -> None:
    frame = every_kind()
    whole = profiled(tmp_path, frame, rule)
    hold(monkeypatch, rows)
    parts = profiled(tmp_path, frame, rule)
    assert parts.keys() == whole.keys()
    for name, one in whole.items():
        assert alike(plain(parts[name]), plain(one)), name


@RULES
def test_quantiles_of_equal_values_do_not_depend_on_the_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: Disclosure
) -> None:
    """As many equal values as are held, and more, are in order of their rows."""
    random = np.random.default_rng(2)
    frame = pd.DataFrame({"id": np.arange(3000), "weight": random.gamma(2, 1, 3000)})
    frame["x"] = random.choice([1.5, 2.5, 1e9], 3000, p=[0.6, 0.39, 0.01])
    whole = plain(profiled(tmp_path, frame, rule)["x"])
    for rows in (7, 64, 1000):
        hold(monkeypatch, rows)
        assert alike(plain(profiled(tmp_path, frame, rule)["x"]), whole), rows


@pytest.mark.filterwarnings("error")
@RULES
@pytest.mark.parametrize(
    ("values", "weights"),
    [
        (np.full(20, 2**64 - 1, np.uint64), np.ones(20)),
        (np.arange(20.0), np.repeat([-1.0, 2.0], 10)),
        (np.arange(20.0) / 3, np.full(20, 1e308)),
        (np.full(20, 1e308), np.full(20, np.inf)),
        (np.arange(20.0), np.zeros(20)),
        (np.where(np.arange(20) < 15, 1.0, np.inf), np.ones(20)),
    ],
)
def test_odd_numbers_are_no_fault_of_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: Disclosure, values: Any, weights: Any
) -> None:
    frame = pd.DataFrame({"id": np.arange(20), "weight": weights, "x": values})
    whole = plain(profiled(tmp_path, frame, rule)["x"])
    hold(monkeypatch, 6)
    assert alike(plain(profiled(tmp_path, frame, rule)["x"]), whole)


@pytest.mark.parametrize("texts", [False, True], ids=["numbers", "texts"])
def test_weights_of_another_table_are_found_for_parts_of_its_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, texts: bool
) -> None:
    random = np.random.default_rng(3)
    keys = random.permutation(400) * 3
    household = pd.DataFrame({"hh": keys, "weight": random.gamma(2, 1, 400)})
    household.loc[399, "hh"] = household.hh[0]  # of two with one key the first counts
    household.loc[5, "weight"] = np.nan
    person = pd.DataFrame({"hh": random.choice(1300, 1000), "income": random.random(1000)})
    path = tmp_path / "data.h5"
    for name, frame in {"household": household, "person": person}.items():
        kept = frame.assign(hh=[f"h{key}" for key in frame.hh]) if texts else frame
        kept.to_hdf(path, key=name, format="table", data_columns=True)
    hold(monkeypatch, 70)
    table = profiled_persons(path)
    of = household.fillna(0.0).drop_duplicates("hh").set_index("hh").weight
    weights = person.hh.map(of).fillna(0.0)
    assert table.weight is not None
    assert table.weight.sum == pytest.approx(weights.sum())
    assert table.weight.max_over_median == pytest.approx(
        weights.max() / weights[weights > 0].median()
    )
    assert table.columns["income"].total == pytest.approx((person.income * weights).sum())


def held_by(rows: int) -> int:
    """Return the most bytes that a column of so many rows takes."""
    random = np.random.default_rng(1)
    wanted = Wanted(quantiles=[0.5, 0.999], top=0.001, few=50, least=10)
    tracemalloc.start()
    with closing(NumberColumn()) as column:
        for _ in range(rows // 4096):
            column.add(random.lognormal(9, 2, 4096), random.random(4096))
        column.finish()
        distribution_of(column, wanted)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def test_ten_times_the_rows_take_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    hold(monkeypatch, 1 << 15)
    monkeypatch.setattr(number_column, "_LEAST", 1 << 12)
    few, many = held_by(1 << 17), held_by(10 << 17)
    assert many < 1.3 * few, (few, many)
    assert many < 200 * (1 << 15)


def test_nothing_is_left_in_the_temporary_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is put aside are microdata: the file has no name that another could open."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(spill, "_IN_MEMORY", 100)
    with spill.Spill() as aside:
        aside.write(np.arange(1000.0))
        assert list(tmp_path.iterdir()) == []
        assert aside.read(10, 12).tolist() == [10.0, 11.0]
