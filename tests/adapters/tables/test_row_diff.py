"""Rows matched by their key, held against pandas; and what of it a gated country may say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pandas as pd
import pytest

from pe_dvc.adapters.tables.data_file import DataFile
from pe_dvc.adapters.tables.row_diff import compare_rows
from pe_dvc.adapters.tables.row_sides import Rows, WeightTable
from pe_dvc.documents.disclosure import GATED
from pe_dvc.documents.table_schema import Hints
from pe_dvc.primitives.errors import FormatError
from tests.support.disclosure import PUBLIC

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.disclosure import Disclosure
    from pe_dvc.documents.row_changes import RowChanges


def parquet(path: Path, frame: pd.DataFrame, **more: Any) -> Rows:
    frame.to_parquet(path)
    return Rows(
        file=DataFile(path=path, label=path.name),
        kind="parquet",
        table="household",
        key="id",
        columns=tuple(frame.columns),
        **more,
    )


def compared(
    directory: Path, before: pd.DataFrame, after: pd.DataFrame, rule: Disclosure = PUBLIC
) -> RowChanges:
    weight = "w" if "w" in before.columns else None
    was = parquet(directory / "before 'x'.parquet", before, weight=weight)
    return compare_rows(was, parquet(directory / "after.parquet", after, weight=weight), rule)


def survey(rows: int = 1000, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    income = random.lognormal(10, 1, rows)
    income[random.random(rows) < 0.2] = np.nan
    region = random.choice(np.array(["north", "south", None], object), rows)
    return pd.DataFrame(
        {
            "id": random.permutation(rows).astype("i8"),
            "w": random.uniform(1, 9, rows),
            "income": income,
            "region": region,
            "is_adult": random.random(rows) < 0.7,
        }
    )


@pytest.mark.parametrize("seed", range(4))
def test_counts_are_those_of_pandas(tmp_path: Path, seed: int) -> None:
    random, before = np.random.default_rng(seed + 10), survey(seed=seed)
    after = before.sample(frac=0.9, random_state=seed).reset_index(drop=True)
    hit = random.random(len(after)) < 0.1
    after.loc[hit, "income"] = random.lognormal(10, 1, int(hit.sum()))
    after.loc[random.random(len(after)) < 0.05, "region"] = "east"
    new = survey(50, seed).assign(id=lambda frame: frame["id"] + 5000)
    after = pd.concat([after, new])
    found = compared(tmp_path, before, after)

    both = before.merge(after, on="id", suffixes=("", "_y"))
    differ = {
        c: ~((both[c] == both[f"{c}_y"]) | (both[c].isna() & both[f"{c}_y"].isna()))
        for c in ("w", "income", "region", "is_adult")
    }
    assert (found.before, found.after) == (len(before), len(after))
    assert found.added == 50
    assert found.removed == len(before) - len(both)
    assert found.changed == int(pd.concat(differ.values(), axis=1).any(axis=1).sum())
    rows = {column.column: column.rows for column in found.columns}
    assert {c: int(d.sum()) for c, d in differ.items() if d.any()} == {
        c: n for c, n in rows.items() if n
    }
    (income,) = [column for column in found.columns if column.column == "income"]
    for total, frame in ((income.before, before), (income.after, after)):
        assert total == pytest.approx((frame["income"] * frame["w"]).sum())
    part = after[after["id"].isin([*both["id"][pd.concat(differ.values(), axis=1).any(axis=1)]])]
    changed = part["w"].sum() + new["w"].sum()
    assert found.weight_changed == pytest.approx(changed / after["w"].sum())


def test_what_is_the_same_in_another_order_and_type(tmp_path: Path) -> None:
    before = survey()
    after = before.sample(frac=1, random_state=1).astype({"id": "i4"})
    after["income"] = after["income"].where(after["income"] != 0, -0.0)
    found = compared(tmp_path, before, after)
    assert found.is_same
    assert not found.columns
    assert not found.where


def test_numbers_that_became_text_are_changed(tmp_path: Path) -> None:
    before = survey()[["id", "w", "is_adult"]]
    found = compared(tmp_path, before, before.assign(is_adult=before["is_adult"].map(str)))
    assert [column.column for column in found.columns] in ([], ["is_adult"])
    assert found.changed in (0, len(before))


@pytest.mark.parametrize("rule", [PUBLIC, GATED])
def test_where_the_change_is(tmp_path: Path, rule: Disclosure) -> None:
    before = survey(20_000)
    before["source"] = np.where(before["id"] % 500 == 0, "synthetic", "survey")
    tail = before["source"] == "synthetic"
    before.loc[tail, "income"] = 1e7
    after = before.assign(w=before["w"].where(~tail, before["w"] * 10))
    found = compared(tmp_path, before, after, rule)
    assert found.changed == tail.sum() == 40
    for change in ("rows", "income"):
        (first,) = [w for w in found.where if (w.change, w.column) == (change, "source")]
        assert first.bucket == "synthetic"
        assert first.share_of_change == pytest.approx(1)
        assert first.ratio == pytest.approx(1 / first.share_of_all)


def test_the_top_is_the_same_rows_each_time(tmp_path: Path) -> None:
    before = survey(100_000)[["id", "w"]]
    before["rank"] = before["income"] = before["id"] + 1.0
    factor = np.where(before["rank"] > 99_900, 900, 1.01)
    found = compared(tmp_path, before, before.assign(income=before["income"] * factor))
    groups = {(where.column, where.bucket): where.rows for where in found.where}
    assert groups["rank", "top 0.1%"] == 100


def test_a_gated_country_is_told_nothing_of_few(tmp_path: Path) -> None:
    before = survey(2000)
    before["lottery"] = 0.0
    after = before.copy()
    after.loc[:3, "lottery"] = 662288.25
    after.loc[:3, "region"] = "Zoltan Quimby"
    found = compared(tmp_path, before, after, GATED)
    assert found.changed is None
    assert found.weight_changed is None
    assert found.added == found.removed == 0
    lottery = {column.column: column for column in found.columns}["lottery"]
    assert (lottery.rows, lottery.after) == (None, None)
    assert "Zoltan" not in str(found)
    assert "662288" not in str(found)
    public = compared(tmp_path, before, after, PUBLIC)
    assert public.changed == 4
    assert not public.where  # four rows are no group


@pytest.mark.parametrize("elsewhere", [3, 10])
def test_a_group_does_not_tell_that_few_rows_changed_elsewhere(
    tmp_path: Path, elsewhere: int
) -> None:
    before = survey(4000).assign(source="survey")
    before.loc[:39, "source"] = "synthetic"
    after = before.copy()
    after.loc[:24, "w"] *= 50
    after.loc[40 : 39 + elsewhere, "w"] *= 1.01
    found = compared(tmp_path, before, after, GATED)
    assert found.changed == 25 + elsewhere
    named = {(where.column, where.bucket) for where in found.where}
    assert (("source", "synthetic") in named) == (elsewhere == 10)


@pytest.mark.parametrize("rows", [9, 10])
def test_a_total_of_zeros_is_the_value_of_each_row(tmp_path: Path, rows: int) -> None:
    before = survey(2000).assign(amount=2.5)
    after = before.head(rows).assign(amount=0.0)
    found = {c.column: c for c in compared(tmp_path, before, after, GATED).columns}
    assert found["amount"].after == (None if rows == 9 else 0.0)
    same = compared(tmp_path, before, before.head(rows), GATED)
    assert same.weight_changed == (None if rows == 9 else 0.0)


def test_categories_that_are_numbers_are_not_said_of_a_gated_country(tmp_path: Path) -> None:
    before = survey(2000).drop(columns=["region", "is_adult"])
    before["children"] = before["id"] % 7
    after = before.assign(w=before["w"].where(before["children"] != 5, before["w"] * 10))
    assert ("children", "5") in {
        (w.column, w.bucket) for w in compared(tmp_path, before, after, PUBLIC).where
    }
    gated = compared(tmp_path, before, after, GATED).where
    assert "children" not in {where.column for where in gated}


@pytest.mark.parametrize(
    ("ids", "reason"),
    [
        ([1, 1, *range(3, 101)], "before, the key of another row is that of 1 row"),
        ([None, *range(2, 101)], "before, the key is missing in 1 row"),
    ],
)
def test_keys_that_do_not_tell_rows_apart(
    tmp_path: Path, ids: list[int | None], reason: str
) -> None:
    before = pd.DataFrame({"id": pd.array(ids, "Int64"), "x": 1.0})
    found = compared(tmp_path, before, before.assign(id=range(100)))
    assert found.reason == reason
    gated = compared(tmp_path, before, before.assign(id=range(100)), GATED)
    assert "fewer than 10 rows" in str(gated.reason)


def test_columns_that_differ_by_case_alone(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": [1, 2], "E1": [1, 2], "e1": [1, 2]})
    with pytest.raises(FormatError, match="'E1' and 'e1' differ by case alone"):
        compared(tmp_path, frame, frame)


def test_names_that_are_sql(tmp_path: Path) -> None:
    name = 'x"; DROP TABLE m; --'
    frame = pd.DataFrame({"id": range(40), name: range(40)})
    found = compared(tmp_path, frame, frame.assign(**{name: 7}))
    assert {column.column for column in found.columns} == {name}


def core(path: Path, weights: Any) -> Rows:
    """Persons and households as PolicyEngine's core writes them; the weight is a household's."""
    arrays = {
        "person_id": np.arange(400),
        "person_household_id": np.arange(400) // 2,
        "wage": np.where(np.arange(400) < 20, 1e6, 100.0),
        "household_id": np.arange(200),
        "household_weight": weights,
    }
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[f"{name}/2024"] = values
    keys = {"person": "person_id", "household": "household_id"}
    owners = {"wage": "person", "person_household_id": "person", "household_weight": "household"}
    return Rows(
        file=DataFile(path=path, label=path.name, hints=Hints(keys=keys, columns=owners)),
        kind="hdf5",
        table="person",
        key="person_id",
        columns=("person_id", "person_household_id", "wage"),
        period="2024",
        weight="household_weight",
        weight_table=WeightTable(
            table="household", reference="person_household_id", key="household_id"
        ),
    )


def test_a_weight_of_another_entity(tmp_path: Path) -> None:
    plain = np.full(200, 2.0)
    before = core(tmp_path / "a.h5", plain)
    after = core(tmp_path / "b.h5", np.where(np.arange(200) < 10, 8.0, plain))
    found = compare_rows(before, after, PUBLIC)
    assert found.weight == "household_weight"
    wage = {column.column: column for column in found.columns}["wage"]
    assert wage.before == pytest.approx(2 * (20e6 + 380 * 100))
    assert wage.after == pytest.approx(8 * 20e6 + 2 * 380 * 100)
    assert {(w.change, w.column, w.bucket) for w in found.where} == {("wage", "wage", "1000000.0")}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(np.array([b"a", b"\xff", b"c"]), np.array([b"a", b"b", b"c"]), id="bytes"),
        pytest.param(np.array([1, 2, 3], ">f8"), np.array([1, 9, 3], ">f8"), id="big-endian"),
        pytest.param(np.array([1, 2, 3], "f2"), np.array([1, 9, 3], "f2"), id="half floats"),
        pytest.param(np.array([1, 2, 3], "u1"), np.array([1, 9, 3], "i8"), id="other integers"),
        pytest.param(np.array([True, True, True]), np.array([True, False, True]), id="booleans"),
    ],
)
def test_values_of_every_type_in_hdf5(tmp_path: Path, before: Any, after: Any) -> None:
    sides = []
    for name, values in (("a", before), ("b", after)):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["id/2024"], file["x/2024"] = np.arange(3), values
        hints = Hints(keys={"household": "id"}, columns={"x": "household"})
        file_ = DataFile(path=tmp_path / f"{name}.h5", label=name, hints=hints)
        sides.append(
            Rows(
                file=file_,
                kind="hdf5",
                table="household",
                key="id",
                columns=("id", "x"),
                period="2024",
            )
        )
    found = compare_rows(sides[0], sides[1], PUBLIC)
    assert (found.changed, found.before) == (1, 3)
