"""Profiles, held against pandas by hand and against microdf, PolicyEngine's weighted pandas."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from pe_dvc.adapters.tables import profile as profile_module
from pe_dvc.adapters.tables.data_file import DataFile
from pe_dvc.adapters.tables.profile import profile_of
from pe_dvc.documents.disclosure import GATED
from pe_dvc.documents.places import Place
from pe_dvc.documents.profile import QUANTILES, Profile, rounded
from pe_dvc.documents.profile_plan import ColumnPlan, TablePlan
from pe_dvc.documents.table_schema import Hints
from tests.support.disclosure import PUBLIC
from tests.support.profiles import ROWS, people, plain, profiled, profiled_persons

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.disclosure import Disclosure
    from pe_dvc.documents.profile import ColumnProfile


def quantile(values: pd.Series, weights: pd.Series, share: float) -> float:
    """Return the least value at or below which the share of the weight lies."""
    frame = pd.DataFrame({"value": values, "weight": weights}).dropna().sort_values("value")
    reached = frame.weight.cumsum() >= share * frame.weight.sum() * (1 - 1e-12)
    return float(frame.value[reached].iloc[0])


@pytest.mark.parametrize("weighted", [True, False], ids=["weighted", "unweighted"])
@pytest.mark.parametrize("column", ["income", "losses", "age", "sex", "disabled", "nothing"])
def test_numbers_are_those_of_pandas_by_hand(tmp_path: Path, column: str, weighted: bool) -> None:
    frame = people()
    found = profiled(tmp_path, frame, weighted=weighted)[column]
    weight = frame.weight if weighted else pd.Series(np.ones(ROWS))
    there = frame[column].notna()
    values, by = frame[column][there].astype(float), weight[there]
    mean = (values * by).sum() / by.sum()
    assert found.nulls == int((~there).sum())
    assert found.carriers == int((values != 0).sum())
    assert found.weighted_carriers == pytest.approx(by[values != 0].sum())
    assert found.total == pytest.approx((values * by).sum())
    assert found.mean == pytest.approx(mean)
    assert found.sd == pytest.approx(np.sqrt((by * (values - mean) ** 2).sum() / by.sum()))
    expected = {f"p{p:g}": rounded(quantile(values, by, p / 100)) for p in QUANTILES}
    assert found.quantiles == expected
    assert found.suppressed == ()


def test_numbers_are_those_of_microdf(tmp_path: Path) -> None:
    import microdf

    frame = people()
    found = profiled(tmp_path, frame)
    for column in ("income", "losses", "sex"):
        series = microdf.MicroSeries(frame[column].astype(float), weights=frame.weight)
        assert found[column].total == pytest.approx(float(series.sum()))
        assert found[column].mean == pytest.approx(float(series.mean()))
        assert found[column].weighted_carriers == pytest.approx(
            float(frame.weight[frame[column] != 0].sum())
        )
    income = microdf.MicroSeries(frame.income, weights=frame.weight)
    for percent in (50, 75, 90, 95, 99):
        # microdf interpolates between two rows, of which ours is one.
        between = float(income.quantile(percent / 100))
        assert found["income"].quantiles[f"p{percent}"] == pytest.approx(between, rel=0.02)
    top = float(income.top_0_1_pct_share())
    assert found["income"].top_weight == pytest.approx(top, abs=0.004)


def test_tails_are_those_of_pandas_by_hand(tmp_path: Path) -> None:
    frame = people()
    found = profiled(tmp_path, frame)["losses"]
    adds = (frame.losses * frame.weight).sort_values(ascending=False)
    positive = adds[adds > 0].sum()
    assert found.top_100 == pytest.approx(adds.iloc[:100].sum() / positive)
    ranked = frame.sort_values("losses", ascending=False)
    before = ranked.weight.cumsum() - ranked.weight
    taken = (0.001 * frame.weight.sum() - before).clip(0, ranked.weight)
    assert found.top_weight == pytest.approx((ranked.losses * taken).sum() / positive)


def test_categories_are_shares_of_the_weight(tmp_path: Path) -> None:
    frame = people()
    found = profiled(tmp_path, frame)
    shares = frame.groupby("state").weight.sum() / frame.weight.sum()
    listed = {one.value: one for one in found["state"].categories or ()}
    assert {value: one.share for value, one in listed.items()} == pytest.approx(dict(shares))
    assert {value: one.rows for value, one in listed.items()} == dict(frame.state.value_counts())
    assert [one.value for one in found["sex"].categories or ()] == ["1", "2"]
    assert found["income"].categories is None
    assert found["id"].total is None, "the sum of keys means nothing"


def test_a_column_without_any_value_says_so(tmp_path: Path) -> None:
    found = profiled(tmp_path, people())["empty"]
    assert (found.nulls, found.carriers, found.total) == (ROWS, 0, None)


def test_weights_say_how_much_they_vary(tmp_path: Path) -> None:
    frame = people()
    frame.to_parquet(tmp_path / "data.parquet")
    weight = Place(table="person", column="weight")
    plan = TablePlan(
        name="person",
        entity=None,
        period=None,
        rows=ROWS,
        columns=(ColumnPlan(place=weight, entity=None, is_key=False),),
        weight=weight,
        link=None,
        via=None,
    )
    for rule in (PUBLIC, GATED):
        file = DataFile(path=tmp_path / "data.parquet", label="", rule=rule, hints=Hints())
        found = profile_of(file, "parquet", [plan]).tables[0].weight
        assert found is not None
        assert found.sum == pytest.approx(frame.weight.sum())
        assert found.n_eff == pytest.approx(frame.weight.sum() ** 2 / (frame.weight**2).sum())
        heaviest = frame.weight.nlargest(100).sum()
        assert found.top_100 == pytest.approx(heaviest / frame.weight.sum())
        largest = frame.weight.max() / frame.weight.median()
        assert found.max_over_median == (None if rule.is_gated else pytest.approx(largest))


def test_persons_have_the_weight_of_their_household(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    household = pd.DataFrame({"hh": random.permutation(400) * 3, "weight": random.gamma(2, 1, 400)})
    person = pd.DataFrame(
        {"hh": random.choice(household.hh, 1000), "income": random.lognormal(10, 1, 1000)}
    )
    path = tmp_path / "data.h5"
    for name, frame in {"household": household, "person": person}.items():
        frame.to_hdf(path, key=name, format="table", data_columns=True)
    table = profiled_persons(path)
    merged = person.merge(household, on="hh")
    assert table.columns["income"].total == pytest.approx((merged.income * merged.weight).sum())
    assert table.weight is not None
    assert (table.weight.column, table.weight.via) == ("weight", "household")
    assert table.weight.sum == pytest.approx(merged.weight.sum())


# What a gated country's profile must not say.


def figures_of(found: ColumnProfile) -> set[str]:
    return {name for name, value in plain(found).items() if value is not None} - {"suppressed"}


@pytest.mark.parametrize("carriers", [1, 9])
def test_nothing_rests_on_few_carriers(tmp_path: Path, carriers: int) -> None:
    frame = people()[["id", "weight"]].assign(rare=0.0)
    frame.loc[: carriers - 1, "rare"] = 123456.0
    text = json.dumps(plain(profiled(tmp_path, frame, GATED)["rare"]))
    assert "123456" not in text
    found = profiled(tmp_path, frame, GATED)["rare"]
    said = {"nulls", "quantiles", "categories"}
    assert figures_of(found) <= said | {"other"}
    assert set(found.quantiles.values()) == {0.0}
    assert {"carriers", "total", "mean", "sd"} <= set(found.suppressed)
    ten = frame.assign(rare=np.where(frame.index < 10, 5.0, 0.0))
    assert profiled(tmp_path, ten, GATED)["rare"].carriers == 10


def test_the_complement_of_few_is_not_said_either(tmp_path: Path) -> None:
    frame = people()[["id", "weight"]].assign(common=1.5)
    frame.loc[:2, "common"] = 0.0
    found = profiled(tmp_path, frame, GATED)["common"]
    assert (found.carriers, found.weighted_carriers) == (None, None)
    assert found.total is not None
    missing = frame.assign(common=np.where(frame.index < 3, np.nan, 1.5))
    assert profiled(tmp_path, missing, GATED)["common"].nulls is None


def test_no_single_value_is_said(tmp_path: Path) -> None:
    frame = people()
    values = {rounded(value) for value in frame.income if value}
    found = profiled(tmp_path, frame, GATED)["income"]
    assert found.quantiles
    assert not values & set(found.quantiles.values())
    assert found.quantiles["p75"] == pytest.approx(
        quantile(frame.income, frame.weight, 0.75), rel=0.02
    )
    few = people(rows=60).assign(weight=1.0)
    found = profiled(tmp_path, few, GATED)["income"]
    assert {"p99", "p99.9"} <= set(found.suppressed), "they would rest on the largest values"
    assert few.income.max() > max(found.quantiles.values())


def test_rare_categories_are_named_together_with_others(tmp_path: Path) -> None:
    frame = people()[["id", "weight", "state"]]
    frame.loc[:2, "state"] = "WY"
    frame.loc[3:15, "state"] = "VT"
    found = profiled(tmp_path, frame, GATED)["state"]
    assert {one.value for one in found.categories or ()} == {"CA", "NY", "TX"}
    assert found.other is not None
    assert "WY" not in json.dumps(plain(found))
    public = profiled(tmp_path, frame)["state"]
    assert {one.value for one in public.categories or ()} == {"CA", "NY", "TX", "VT", "WY"}


@pytest.mark.parametrize("missing", [1, 9])
def test_few_missing_values_are_not_told_by_other_figures(tmp_path: Path, missing: int) -> None:
    """Carriers, total by mean, and the rows of all categories would tell how many there are."""
    frame = people()[["id", "weight"]].assign(amount=2.5, code=7.0, state="CA")
    frame.loc[: missing - 1, "amount"] = np.nan
    frame.loc[: missing - 1, "code"] = np.nan
    frame.loc[: missing - 1, "state"] = None
    found = profiled(tmp_path, frame, GATED)
    told = {"carriers", "weighted_carriers", "mean", "categories", "other", "nulls"}
    for name in ("amount", "code", "state"):
        assert not figures_of(found[name]) & told, name
    assert found["amount"].total is not None
    many = frame.assign(amount=np.where(frame.index < 10, np.nan, 2.5))
    assert {"carriers", "mean"} <= figures_of(profiled(tmp_path, many, GATED)["amount"])


@pytest.mark.parametrize(("rows", "said"), [(100, True), (101, False), (109, False), (110, True)])
def test_a_top_share_does_not_tell_the_rest_of_few(tmp_path: Path, rows: int, said: bool) -> None:
    frame = people(rows=rows)[["id"]].assign(weight=1.0, amount=np.arange(1.0, rows + 1) + 0.5)
    found = profiled(tmp_path, frame, GATED)["amount"]
    assert (found.top_100 is not None) == said
    assert profiled(tmp_path, frame)["amount"].top_100 is not None


@pytest.mark.parametrize(("rows", "said"), [(20_000, True), (99_990, False), (100_500, False)])
def test_two_top_shares_do_not_tell_few_by_their_difference(
    tmp_path: Path, rows: int, said: bool
) -> None:
    """Of equal weights 0.1 % are the same rows as the top 100, but for some, or a part of one."""
    frame = pd.DataFrame({"id": np.arange(rows), "weight": 1.0, "amount": np.arange(rows) + 0.5})
    found = profiled(tmp_path, frame, GATED)["amount"]
    assert (found.top_weight is not None) == said
    assert found.top_100 is not None


def test_the_heaviest_rows_do_not_tell_the_weight_of_few_others(tmp_path: Path) -> None:
    place = Place(table="person", column="weight")
    column = ColumnPlan(place=place, entity=None, is_key=False)
    for rows, said in ((101, False), (110, True)):
        pd.DataFrame({"weight": np.arange(1.0, rows + 1)}).to_parquet(tmp_path / "w.parquet")
        plan = TablePlan(
            name="person",
            entity=None,
            period=None,
            rows=rows,
            columns=(column,),
            weight=place,
            link=None,
            via=None,
        )
        file = DataFile(path=tmp_path / "w.parquet", label="", rule=GATED, hints=Hints())
        found = profile_of(file, "parquet", [plan]).tables[0].weight
        assert found is not None
        assert (found.top_100 is not None) == said


def test_infinity_gives_no_totals(tmp_path: Path) -> None:
    frame = people()[["id", "weight", "income"]]
    frame.loc[0, "income"] = np.inf
    found = profiled(tmp_path, frame)["income"]
    assert (found.total, found.quantiles) == (None, {})


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("values", "weights"),
    [
        (np.full(20, 2**64 - 1, np.uint64), np.ones(20)),
        (np.arange(20.0), np.repeat([-1.0, 2.0], 10)),
        (np.arange(20.0), np.full(20, 1e308)),
        (np.full(20, 1e308), np.full(20, np.inf)),
        (np.arange(20.0), np.zeros(20)),
        (np.arange(20.0), np.full(20, np.nan)),
    ],
)
@pytest.mark.parametrize("rule", [PUBLIC, GATED])
def test_odd_numbers_and_weights_are_no_fault(
    tmp_path: Path, values: Any, weights: Any, rule: Disclosure
) -> None:
    frame = pd.DataFrame({"id": np.arange(20), "weight": weights, "x": values})
    found = profiled(tmp_path, frame, rule)["x"]
    json.dumps(plain(found), allow_nan=False)
    if rule == PUBLIC and values.dtype == np.uint64:
        assert [one.value for one in found.categories or ()] in ([], [str(2**64 - 1)])
        assert found.total == pytest.approx(20 * 2.0**64)


def test_groups_of_columns_and_another_read_give_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = {name: plain(one) for name, one in profiled(tmp_path, people()).items()}
    monkeypatch.setattr(profile_module, "HELD", 1)
    assert {name: plain(one) for name, one in profiled(tmp_path, people()).items()} == first


def test_a_newer_profile_is_read_and_keeps_what_is_not_known() -> None:
    data = (
        b'{"schema_version": 1, "access": "public", "minimum_carriers": 10, "tables": [], "new": 1}'
    )
    assert Profile.from_bytes(data).to_json()["new"] == 1
