"""Tables with every kind of column, and their profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pe_dvc.adapters.tables.data_file import DataFile
from pe_dvc.adapters.tables.profile import profile_of
from pe_dvc.documents.places import Link, Place
from pe_dvc.documents.profile_plan import ColumnPlan, TablePlan
from pe_dvc.documents.table_schema import Hints
from tests.support.disclosure import PUBLIC

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.disclosure import Disclosure
    from pe_dvc.documents.profile import ColumnProfile, TableProfile

ROWS = 5_000


def people(seed: int = 7, rows: int = ROWS) -> pd.DataFrame:
    """Return a table with every kind of column that surveys have."""
    random = np.random.default_rng(seed)
    income = random.lognormal(10, 1, rows) * (random.random(rows) < 0.6)
    losses = np.where(random.random(rows) < 0.05, -income / 2, income).round(2)
    missing = np.where(random.random(rows) < 0.1, np.nan, random.integers(0, 90, rows))
    return pd.DataFrame(
        {
            "id": np.arange(rows),
            "weight": random.gamma(2, 500, rows),
            "income": income,
            "losses": losses,
            "age": missing,
            "sex": random.integers(1, 3, rows).astype("int8"),
            "disabled": random.random(rows) < 0.1,
            "state": random.choice(["CA", "NY", "TX"], rows, p=[0.5, 0.3, 0.2]),
            "nothing": np.zeros(rows),
            "empty": np.full(rows, np.nan),
        }
    )


def profiled(
    path: Path, frame: pd.DataFrame, rule: Disclosure = PUBLIC, *, weighted: bool = True
) -> dict[str, ColumnProfile]:
    """Return the columns of the profile of a table, by their names."""
    frame.to_parquet(path / "data.parquet")
    places = {name: Place(table="person", column=name) for name in map(str, frame)}
    plan = TablePlan(
        name="person",
        entity="person",
        period=None,
        rows=len(frame),
        columns=tuple(
            ColumnPlan(place=place, entity=None, is_key=name == "id")
            for name, place in places.items()
        ),
        weight=places["weight"] if weighted else None,
        link=None,
        via=None,
    )
    file = DataFile(path=path / "data.parquet", label="data.parquet", rule=rule, hints=Hints())
    (table,) = profile_of(file, "parquet", [plan]).tables
    return table.columns


def profiled_persons(path: Path) -> TableProfile:
    """Return the profile of ``income`` of 1,000 persons of a file, by their households' weight."""
    place = Place(table="person", column="income")
    plan = TablePlan(
        name="person",
        entity="person",
        period=None,
        rows=1000,
        columns=(ColumnPlan(place=place, entity=None, is_key=False),),
        weight=Place(table="household", column="weight"),
        link=Link(
            reference=Place(table="person", column="hh"), key=Place(table="household", column="hh")
        ),
        via="household",
    )
    file = DataFile(path=path, label="data.h5", rule=PUBLIC, hints=Hints())
    (table,) = profile_of(file, "hdf5", [plan]).tables
    return table


def plain(found: ColumnProfile) -> dict[str, Any]:
    """Return a profile as plain values of JSON."""
    return found.model_dump(mode="json")
