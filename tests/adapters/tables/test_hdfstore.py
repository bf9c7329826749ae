"""HDFStores as pandas and PyTables really write them, in all the ways that people save them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pandas as pd
import pytest

from pe_dvc.adapters.tables import hdf5
from pe_dvc.documents.disclosure import GATED
from pe_dvc.documents.places import Place
from tests.support.disclosure import PUBLIC
from tests.support.tables import check_key, describe, values

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pe_dvc.documents.table_schema import FileShape, FoundTable

PERSON = pd.DataFrame({"person_id": [1, 2, 3], "person_household_id": [1, 1, 2], "age": [3, 4, 5]})
HOUSEHOLD = pd.DataFrame({"household_id": [1, 2], "household_weight": [10.0, 20.0]})
FORMATS: Any = ["table", "fixed"]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def save(path: Path, frames: dict[str, Any], kind: Any = "table", **options: Any) -> Path:
    with pd.HDFStore(path, "w", **options) as store:
        for key, frame in frames.items():
            store.put(key, frame, format=kind)
    return path


def columns(table: FoundTable) -> dict[str, str]:
    return {column.name: column.type for column in table.columns}


def members(shape: FileShape) -> dict[str, Any]:
    return {m.name: (m.type, m.shape, m.value) for m in shape.members}


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("value", [2024, "2024"], ids=["number", "text"])
@pytest.mark.parametrize("name", ["_time_period", "time_period"])
@pytest.mark.parametrize("rule", [PUBLIC, GATED], ids=["public", "gated"])
def test_the_year_beside_the_tables_is_the_period_of_the_file(
    kind: str, value: Any, name: str, rule: Any, tmp_path: Path
) -> None:
    frames = {"person": PERSON, "household": HOUSEHOLD, name: pd.Series([value])}
    shape = describe(hdf5, save(tmp_path / "x.h5", frames, kind), rule=rule)
    assert [(t.name, t.rows) for t in shape.tables] == [("household", 2), ("person", 3)]
    assert shape.period == "2024"
    assert [m.name for m in shape.members] == [name]


@pytest.mark.parametrize("kind", FORMATS)
def test_any_other_series_is_named_and_its_value_said_of_public_countries(
    kind: str, tmp_path: Path
) -> None:
    series = {"_populace_staging_metadata": pd.Series([7]), "incomes": pd.Series([1.5, 2.5])}
    path = save(tmp_path / "x.h5", {"person": PERSON, **series}, kind)
    assert members(describe(hdf5, path, rule=PUBLIC)) == {
        "_populace_staging_metadata": ("int64", (1,), 7),
        "incomes": ("double", (2,), None),
    }
    assert members(describe(hdf5, path))["_populace_staging_metadata"] == ("int64", (1,), None)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("form", ["person/{}", "y{}/person"])
def test_tables_of_several_years_are_one_table_by_period(
    kind: str, form: str, tmp_path: Path
) -> None:
    later = pd.concat([PERSON, PERSON]).assign(income=1.5)
    later["person_id"] = [7, 8, 9, 7, 8, 9]
    frames = {form.format(2026): later, form.format(2025): PERSON}
    years = {"time_period/2025": pd.Series([2025]), "time_period/2026": pd.Series([2026])}
    path = save(tmp_path / "x.h5", {**frames, **years}, kind)
    shape = describe(hdf5, path)
    (table,) = shape.tables
    assert (table.name, table.rows, table.periods) == ("person", 3, {"2025": 3, "2026": 6})
    assert {c.name: c.periods for c in table.columns} == {
        "person_id": None,
        "person_household_id": None,
        "age": None,
        "income": ("2026",),
    }
    assert members(shape)["time_period/2026"] == ("int64", (1,), 2026)
    assert values(hdf5, path, Place(table="person", column="age", period="2026")) == [
        [3, 4, 5, 3, 4, 5]
    ]
    check_key(hdf5, path, "person", "person_id", where="dvc.yaml", period="2025")
    with pytest.raises(Exception, match="the key 'person_id/2026' is not unique"):
        check_key(hdf5, path, "person", "person_id", where="dvc.yaml", period="2026")


def test_a_table_below_a_table_is_a_table(tmp_path: Path) -> None:
    frames = {"person": PERSON, "person/extra": HOUSEHOLD, "person/2025": HOUSEHOLD}
    shape = describe(hdf5, save(tmp_path / "x.h5", frames))
    assert [(t.name, t.rows) for t in shape.tables] == [
        ("person", 3),
        ("person/2025", 2),
        ("person/extra", 2),
    ]


@pytest.mark.parametrize("kind", FORMATS)
def test_arrays_and_single_values_beside_tables_are_members(kind: str, tmp_path: Path) -> None:
    path = save(tmp_path / "x.h5", {"person": PERSON, "household": HOUSEHOLD}, kind)
    with h5py.File(path, "a") as file:
        file["version"] = 3
        file["weights/2025"] = np.ones((4, 6), dtype="float32")
        file["lengths"] = np.arange(9)
        file["kind"] = np.dtype("f8")
        file["nothing"] = h5py.Empty("f8")
        file["person_again"] = h5py.SoftLink("/person")
        file.create_group("hollow")
    keys = {"person": "person_id", "household": "household_id"}
    shape = describe(hdf5, path, keys=keys)
    assert [t.name for t in shape.tables] == ["household", "person"]
    assert members(shape) == {
        "version": ("int64", (), None),
        "weights/2025": ("float", (4, 6), None),
        "lengths": ("int64", (9,), None),
        "kind": (None, None, None),
        "nothing": (None, None, None),
        "person_again": (None, None, None),
        "hollow": (None, None, None),
    }
    assert all(m.reason for m in shape.members if m.type is None)


def test_a_table_beside_the_arrays_of_core_is_a_table(tmp_path: Path) -> None:
    path = save(tmp_path / "x.h5", {"extra": PERSON})
    with h5py.File(path, "a") as file:
        for frame in (PERSON, HOUSEHOLD):
            for name in frame:
                file[f"{name}/2024"] = frame[name].to_numpy()
    shape = describe(hdf5, path, keys={"person": "person_id", "household": "household_id"})
    assert [(t.name, t.rows) for t in shape.tables] == [
        ("extra", 3),
        ("person", 3),
        ("household", 2),
    ]
    assert shape.members == ()


LATIN = [("latin-1", "año"), ("UTF-8", "año"), ("cp1252", "cost€"), ("UTF-8", "🏠")]


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(("encoding", "name"), LATIN)
def test_column_names_in_any_encoding(kind: Any, encoding: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with pd.HDFStore(path, "w") as store:
        store.put("person", PERSON.assign(**{name: 1}), format=kind, encoding=encoding)
    (table,) = describe(hdf5, path).tables
    assert list(columns(table)) == [*PERSON, name]


@pytest.mark.parametrize("encoding", ["no-such", "zip", "rot13", "hex"])
def test_an_encoding_that_is_none_is_read_as_far_as_it_goes(encoding: str, tmp_path: Path) -> None:
    path = save(tmp_path / "x.h5", {"person": PERSON.assign(año=1)}, "fixed")
    with h5py.File(path, "a") as file:
        file["person"].attrs["encoding"] = np.bytes_(encoding.encode())
    (table,) = describe(hdf5, path).tables
    assert list(columns(table)) == [*PERSON, "año"]


COMPRESSED = ["zlib", "bzip2", "blosc", "blosc:zstd", "blosc2", "blosc2:zstd"]


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("complib", COMPRESSED)
def test_compressed_stores_are_read(kind: str, complib: str, tmp_path: Path) -> None:
    frames = {"person": PERSON, "household": HOUSEHOLD}
    path = save(tmp_path / "x.h5", frames, kind, complib=complib, complevel=9)
    assert [t.rows for t in describe(hdf5, path).tables] == [2, 3]
    check_key(hdf5, path, "person", "person_id", where="dvc.yaml")


@pytest.mark.parametrize("kind", FORMATS)
def test_an_index_with_a_name_is_a_column_and_may_be_a_key(kind: str, tmp_path: Path) -> None:
    levels = PERSON.set_index(["person_household_id", "person_id"])
    path = save(tmp_path / "x.h5", {"person": PERSON.set_index("person_id"), "both": levels}, kind)
    both, person = describe(hdf5, path).tables
    assert set(columns(person)) == set(PERSON)
    assert set(columns(both)) == set(PERSON)
    assert (both.rows, person.rows) == (3, 3)
    for table in ("person", "both"):
        check_key(hdf5, path, table, "person_id", where="dvc.yaml")
    assert values(hdf5, path, Place(table="both", column="person_id")) == [[1, 2, 3]]


@pytest.mark.parametrize("kind", FORMATS)
def test_columns_of_several_levels_are_joined(kind: str, tmp_path: Path) -> None:
    frame = PERSON.copy()
    frame.columns = pd.MultiIndex.from_product([["a"], frame.columns])
    (table,) = describe(hdf5, save(tmp_path / "x.h5", {"person": frame}, kind)).tables
    assert list(columns(table)) == ["a/person_id", "a/person_household_id", "a/age"]


@pytest.mark.parametrize("kind", FORMATS)
def test_columns_named_by_numbers(kind: str, tmp_path: Path) -> None:
    frame = PERSON.rename(columns={"age": 2024})
    (table,) = describe(hdf5, save(tmp_path / "x.h5", {"person": frame}, kind)).tables
    assert list(columns(table)) == ["person_id", "person_household_id", "2024"]


def test_objects_with_missing_values_and_categories(tmp_path: Path) -> None:
    text = PERSON.assign(name=np.array(["a", pd.NA, 3], dtype=object))
    (table,) = describe(hdf5, save(tmp_path / "x.h5", {"person": text}, "fixed")).tables
    assert columns(table)["name"] == "string"
    with pytest.raises(Exception, match="is text in the format 'fixed'"):
        check_key(hdf5, tmp_path / "x.h5", "person", "name", where="dvc.yaml")
    category = PERSON.assign(sex=pd.Categorical(["m", "f", "m"]))
    shape = describe(hdf5, save(tmp_path / "x.h5", {"person": category}))
    assert columns(shape.tables[0])["sex"] == "dictionary<indices=int8>"
    assert shape.members == ()


def test_attributes_that_are_not_the_librarys_are_members(tmp_path: Path) -> None:
    path = save(tmp_path / "x.h5", {"person": PERSON})
    store: Any
    with pd.HDFStore(path) as store:
        store.get_storer("person").attrs.metadata = {"x": 1}
        store.root._v_attrs.weight_source = "calibrated"
    shape = describe(hdf5, path, rule=PUBLIC)
    assert {m.name: m.value for m in shape.members} == {
        "@weight_source": "calibrated",
        "person/@metadata": None,
    }
    assert describe(hdf5, path).members[0].value is None


def test_a_fixed_table_of_many_columns_is_read_a_column_at_a_time(tmp_path: Path) -> None:
    frame = pd.DataFrame({f"c{i}": np.arange(50_000.0) + i for i in range(40)})
    frame["k"] = np.arange(50_000)
    path = save(tmp_path / "x.h5", {"t": frame}, "fixed")
    found = values(hdf5, path, Place(table="t", column="c7"), Place(table="t", column="k"))
    assert found == [frame["c7"].tolist(), frame["k"].tolist()]
