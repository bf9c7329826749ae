"""Gates look at every period: a bad second year does not hide behind a good first one."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pandas as pd
import pytest

from pe_dvc.adapters.tables import hdf5
from pe_dvc.adapters.tables.column_data import ColumnData
from pe_dvc.documents.declaration import read_declarations
from pe_dvc.documents.dvc_artifact import DeclaredArtifact
from pe_dvc.documents.gates import Gates
from pe_dvc.documents.manifest_diff import diff_manifests
from pe_dvc.usecases.channel.gates import judge
from pe_dvc.usecases.channel.nomination import Nomination
from pe_dvc.usecases.checkout.contents import describe_contents
from tests.support.disclosure import PUBLIC
from tests.support.factories import manifest_of
from tests.support.tables import describe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pe_dvc.documents.manifest import Manifest

YEAR: dict[str, Any] = {
    "person_id": [1, 2, 3],
    "person_household_id": [10, 10, 20],
    "age": [3.0, 40.0, 50.0],
    "household_id": [10, 20],
    "household_weight": [1.5, 2.5],
}
KEYS = {"person": "person_id", "household": "household_id"}
ENTITIES = {
    "person": {"key": "person_id", "references": {"household": "person_household_id"}},
    "household": {"key": "household_id"},
}


def core(path: Path, years: dict[str, dict[str, Any]]) -> Path:
    with h5py.File(path, "w") as file:
        for year, arrays in years.items():
            for name, values in arrays.items():
                file[f"{name}/{year}"] = np.array(values)
    return path


def store(path: Path, years: dict[str, dict[str, Any]]) -> Path:
    with warnings.catch_warnings(), pd.HDFStore(path, "w") as opened:
        warnings.simplefilter("ignore")
        for year, arrays in years.items():
            for entity, length in (("person", 3), ("household", 2)):
                own = {name: v for name, v in arrays.items() if len(v) == length}
                opened.put(f"{entity}/{year}", pd.DataFrame(own), format="table")
    return path


SAVE = [core, store]


def manifest(path: Path) -> Manifest:
    artifact = DeclaredArtifact(
        name="cps",
        path="data/cps.h5",
        meta={"pe": {"entities": ENTITIES, "weight": "household_weight"}},
        file="dvc.yaml",
    )
    (declaration,) = read_declarations([artifact], country="us")
    contents = describe_contents(declaration, describe(hdf5, path, keys=KEYS))
    return manifest_of(path.read_bytes(), name="cps").model_copy(update={"table": contents})


def failures(before: Path | None, after: Path, signed: dict[str, float], **gates: Any) -> list[str]:
    nomination = Nomination(
        name="cps",
        gates=Gates(**gates),
        before=manifest(before) if before else None,
        after=manifest(after),
        totals=signed,
        data=ColumnData(after, "hdf5", "x.h5", PUBLIC),
        rule=PUBLIC,
    )
    return [said for failure in judge(nomination, {}) for said in failure.sentences(PUBLIC)]


@pytest.mark.parametrize("save", SAVE)
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, None),
        ({"household_weight": [-5.0, 2.5]}, "gate weights of household_weight/2025: the least is"),
        ({"household_weight": [np.nan, 1.0]}, "gate weights of household_weight/2025: 1 null"),
        ({"person_id": [1, 1, 1]}, "gate keys of person_id/2025: 1 occurs"),
        ({"person_household_id": [10, 10, 99]}, "gate references of person_household_id/2025"),
    ],
)
def test_a_bad_second_year_fails(
    save: Callable[..., Path], change: dict[str, Any], said: str | None, tmp_path: Path
) -> None:
    path = save(tmp_path / "x.h5", {"2024": YEAR, "2025": {**YEAR, **change}})
    found = failures(None, path, {})
    assert found == [] if said is None else said in "\n".join(found), found


@pytest.mark.parametrize("save", SAVE)
def test_a_year_that_was_renamed_or_lost_fails_unless_it_may_go(
    save: Callable[..., Path], tmp_path: Path
) -> None:
    before = save(tmp_path / "a.h5", {"2023": YEAR, "2024": YEAR})
    after = save(tmp_path / "b.h5", {"2024": YEAR, "2025": YEAR})
    assert failures(before, after, {}) == [
        "cps: gate columns: the period 2023 is gone; expected all periods"
    ]
    assert failures(before, after, {}, columns={"periods": [2023]}) == []
    changed = diff_manifests(manifest(before), manifest(after))
    assert changed.rows["person/2023"] == (3, None)
    assert changed.rows["person/2025"] == (None, 3)


def as_it_was_written_before(made: Manifest) -> Manifest:
    """Return a manifest as an older pe_dvc wrote it: of the first period, which it did not name."""
    tables = tuple(
        table.model_copy(
            update={
                "periods": {},
                "columns": tuple(
                    column.model_copy(update={"periods": None}) for column in table.columns
                ),
            }
        )
        for table in made.table.tables
    )
    contents = made.table.model_copy(update={"tables": tables, "period": None})
    return made.model_copy(update={"table": contents})


@pytest.mark.parametrize("save", SAVE)
@pytest.mark.parametrize("years", [("2024",), ("2024", "2025")])
def test_an_older_manifest_without_periods_is_of_the_first_one(
    save: Callable[..., Path], years: tuple[str, ...], tmp_path: Path
) -> None:
    path = save(tmp_path / "x.h5", dict.fromkeys(years, YEAR))
    after = manifest(path)
    before = as_it_was_written_before(after)
    nomination = Nomination(
        name="cps",
        gates=Gates(rows=0.0, totals={"age": 0.05}),
        before=before,
        after=after,
        totals={"age": 189.5},
        data=ColumnData(path, "hdf5", "x.h5", PUBLIC),
        rule=PUBLIC,
    )
    assert [*judge(nomination, {})] == []
    later = {f"{name}/2025": (None, rows) for name, rows in (("household", 2), ("person", 3))}
    assert diff_manifests(before, after).rows == (later if len(years) > 1 else {})
    assert diff_manifests(after, before).rows == {
        name: (now, was) for name, (was, now) in diff_manifests(before, after).rows.items()
    }


def test_the_period_that_a_file_says_it_is_of_is_one(tmp_path: Path) -> None:
    paths = []
    for year in (2024, 2025):
        path = tmp_path / f"{year}.h5"
        with warnings.catch_warnings(), pd.HDFStore(path, "w") as opened:
            warnings.simplefilter("ignore")
            for entity, length in (("person", 3), ("household", 2)):
                own = {name: v for name, v in YEAR.items() if len(v) == length}
                opened.put(entity, pd.DataFrame(own), format="table")
            opened.put("_time_period", pd.Series([year]), format="table")
        paths.append(path)
    before, after = paths
    assert "the period 2024 is gone" in failures(before, after, {})[0]


@pytest.mark.parametrize("save", SAVE)
def test_totals_are_compared_year_by_year(save: Callable[..., Path], tmp_path: Path) -> None:
    """A year put before the others once compared 2023 with 2024, and passed."""
    before = save(tmp_path / "a.h5", {"2024": YEAR})
    other = {**YEAR, "age": [9.0, 9.0, 9.0]}
    after = save(tmp_path / "b.h5", {"2023": YEAR, "2024": other})
    total = 3 * 1.5 + 40 * 1.5 + 50 * 2.5
    found = failures(before, after, {"age": total}, totals={"age": 0.0})
    assert len(found) == 1
    assert "gate totals of age/2024" in found[0]
    found = failures(after, after, {"age/2023": total, "age/2024": 1.0}, totals={"age": 0.1})
    assert ["age/2024" in text for text in found] == [True]


def test_rows_are_compared_year_by_year(tmp_path: Path) -> None:
    few = {name: values[:1] if len(values) == 3 else values for name, values in YEAR.items()}
    before = core(tmp_path / "a.h5", {"2024": YEAR, "2025": YEAR})
    after = core(tmp_path / "b.h5", {"2024": YEAR, "2025": {**YEAR, **few}})
    found = failures(before, after, {}, rows=0.1)
    assert ["gate rows of person/2025: 1; expected" in text for text in found] == [True]


def test_keys_that_are_saved_once_count_in_every_year(tmp_path: Path) -> None:
    later = {"age": [1.0, 2.0, 3.0], "household_weight": [1.0, -1.0]}
    path = core(tmp_path / "x.h5", {"2024": YEAR, "2025": later})
    found = failures(None, path, {}, totals={"age": 0.1})
    assert ["household_weight/2025" in text for text in found] == [True]
