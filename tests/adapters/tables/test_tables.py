"""Parquet and HDF5 files as libraries really write them, whole and broken."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pe_dvc.adapters.tables import hdf5, parquet
from pe_dvc.adapters.tables.duplicates import find_repeated
from pe_dvc.documents.manifest import Column
from pe_dvc.documents.table_schema import FileShape
from pe_dvc.primitives.canonical import readable_json
from pe_dvc.primitives.errors import FormatError, NotFoundError
from tests.support.disclosure import PUBLIC
from tests.support.tables import check_key, describe

if TYPE_CHECKING:
    from pathlib import Path

WHERE = "dvc.yaml: artifacts.x.meta.pe.entities.person.key"


def save(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    pq.write_table(pa.table(columns), path, **options)
    return path


def test_parquet_shape_is_read_from_the_footer(tmp_path: Path) -> None:
    schema = pa.schema(
        [
            pa.field("id", pa.int64(), nullable=False),
            pa.field("a/b", pa.float32()),
            pa.field('q"uote', pa.string()),
            pa.field("emoji 🏠", pa.dictionary(pa.int8(), pa.string())),
            pa.field("nested", pa.struct([pa.field("x", pa.list_(pa.int8()))])),
        ]
    )
    path = tmp_path / "x.parquet"
    pq.write_table(schema.empty_table(), path)
    (table,) = describe(parquet, path).tables
    assert (table.name, table.rows) == (None, 0)
    assert [(c.name, c.type, c.nullable) for c in table.columns] == [
        ("id", "int64", False),
        ("a/b", "float", True),
        ('q"uote', "string", True),
        ("emoji 🏠", "dictionary<values=string, indices=int8, ordered=0>", True),
        ("nested", "struct<x: list<element: int8>>", True),
    ]
    check_key(parquet, path, "person", "id", where=WHERE)


def test_ten_thousand_columns(tmp_path: Path) -> None:
    columns = {f"column_{i:05}": pa.array([i]) for i in range(10_000)}
    (table,) = describe(parquet, save(tmp_path / "x.parquet", columns)).tables
    assert [c.name for c in table.columns] == list(columns)


@pytest.mark.parametrize("count", [68, 10_000])
def test_a_column_costs_about_forty_bytes(count: int) -> None:
    columns = [Column(name=f"c{i:04}", type="int64") for i in range(count)]
    plain = [c.model_dump(mode="json", exclude_none=True) for c in columns]
    document = {"table": {"tables": [{"columns": plain}]}}
    without: dict[str, Any] = {"table": {"tables": [{"columns": []}]}}
    cost = (len(readable_json(document)) - len(readable_json(without))) / count
    assert cost <= 43.5


@pytest.mark.parametrize("cut", [0, 3, 8, -1, -20])
def test_broken_parquet(tmp_path: Path, cut: int) -> None:
    path = save(tmp_path / "x.parquet", {"id": [1, 2]})
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(FormatError, match=r"data/x\.parquet: is not a complete parquet") as caught:
        describe(parquet, path, name="data/x.parquet")
    assert "dvc repro" in str(caught.value.remedy)


def test_no_parquet(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        describe(parquet, tmp_path / "none.parquet")
    with pytest.raises(FormatError):
        describe(parquet, tmp_path)


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    pq.write_table(table, tmp_path / "x.parquet")
    shape = describe(parquet, tmp_path / "x.parquet")
    assert [column.name for column in shape.tables[0].columns] == ["a"]
    (twin,) = shape.members
    assert (twin.name, twin.type, twin.reason) == ("a", "int64", "another column has its name")
    with pytest.raises(FormatError, match="'a' is not there, or is there twice"):
        check_key(parquet, tmp_path / "x.parquet", "person", "a", where=WHERE)


GOOD_KEYS = {
    "sorted": [1, 2, 3],
    "unsorted": [3, 1, 2],
    "negative": [-1, 1, 0],
    "narrow": pa.array([127, -128, 0], pa.int8()),
    "far apart": [2**62, -(2**62), 0],
    "text": ["b", "a", "ab"],
    "floats": [2.0, 1.0, 0.0],
    "large": pa.array([2**64 - 1, 0, 2**63], pa.uint64()),
    "dates": pa.array([3, 1, 2], pa.date32()),
    "dictionary": pa.array(["b", "a"]).dictionary_encode(),
    "decimal": pa.array([2, 1]).cast(pa.decimal128(20, 0)),
}


@pytest.mark.parametrize("case", GOOD_KEYS)
def test_unique_key(tmp_path: Path, case: str) -> None:
    path = save(tmp_path / "x.parquet", {"a.b": GOOD_KEYS[case]})
    check_key(parquet, path, "person", "a.b", where=WHERE)


BAD_KEYS = {
    "twice": ([3, 1, 3], "3 occurs"),
    "zero twice": ([0.0, 1.0, -0.0], "occurs"),
    "text twice": (["b", "a", "b"], "'b' occurs"),
    "null": ([1, None, 2], "is null in 1 row"),
    "dictionary twice": (pa.array(["b", "a", "b"]).dictionary_encode(), "'b' occurs"),
}


@pytest.mark.parametrize("case", BAD_KEYS)
def test_bad_key(tmp_path: Path, case: str) -> None:
    values, message = BAD_KEYS[case]
    path = save(tmp_path / "x.parquet", {"key": values}, row_group_size=2)
    with pytest.raises(FormatError, match=message) as caught:
        check_key(parquet, path, "person", "key", where=WHERE, name="data/x.parquet", rule=PUBLIC)
    assert caught.value.message.startswith(f"{WHERE}: ")
    assert "data/x.parquet" in caught.value.message
    assert caught.value.remedy


def test_a_key_is_one_value_a_row(tmp_path: Path) -> None:
    path = save(tmp_path / "x.parquet", {"key": [[1], [2]]})
    with pytest.raises(FormatError, match="'key' is nested: expected one value a row"):
        check_key(parquet, path, "person", "key", where=WHERE)


@given(
    st.lists(st.integers(-40, 40), max_size=60),
    st.integers(1, 9),
    st.integers(1, 7),
    st.sampled_from(["int64", "uint8", "float32", "str", "object"]),
)
def test_duplicates_are_those_that_a_set_finds(
    values: list[int], bucket: int, batch: int, kind: str
) -> None:
    array = np.array([abs(v) if kind == "uint8" else v for v in values]).astype(kind)

    def batches() -> list[Any]:
        return [array[i : i + batch] for i in range(0, len(array), batch)]

    found = find_repeated(batches, len(array), bucket=bucket)
    plain = array.tolist()
    more = {value for value in plain if plain.count(value) > 1}
    if not more:
        assert found is None
        return
    assert found is not None
    assert any(found.example == value for value in more)
    assert found.keys == len(more)
    assert found.rows == sum(plain.count(value) for value in more)


# HDF5


def core_file(path: Path, **extra: Any) -> Path:
    variables = {
        "person_id": np.arange(5),
        "household_id": np.arange(3),
        "person_household_id": np.array([0, 0, 1, 1, 2]),
        "age": np.array([1.0, 2, 3, 4, 5], dtype="float32"),
        "name": np.array([b"a"] * 5),
        "is_adult": np.ones(5, dtype=bool),
        "household_weight": np.array([1.5, 2, 3]),
        **extra,
    }
    with h5py.File(path, "w") as file:
        for name, values in variables.items():
            file[f"{name}/2024"] = values
            file[f"{name}/2025"] = values
        file["flat_age"] = np.arange(5)
    return path


KEYS = {"person": "person_id", "household": "household_id"}


def test_core_layout(tmp_path: Path) -> None:
    shape = describe(hdf5, core_file(tmp_path / "x.h5"), keys=KEYS, columns={})
    assert shape.format == "hdf5"
    assert [(t.name, t.rows) for t in shape.tables] == [("person", 5), ("household", 3)]
    person, household = shape.tables
    assert {c.name: c.type for c in person.columns} == {
        "age": "float",
        "flat_age": "int64",
        "is_adult": "bool",
        "name": "string",
        "person_household_id": "int64",
        "person_id": "int64",
    }
    assert [c.name for c in household.columns] == ["household_id", "household_weight"]
    check_key(hdf5, tmp_path / "x.h5", "person", "person_id", where=WHERE)
    with pytest.raises(FormatError, match="is not unique"):
        check_key(hdf5, tmp_path / "x.h5", "person", "person_household_id", where=WHERE)


def test_core_entities_that_are_as_many(tmp_path: Path) -> None:
    path = core_file(tmp_path / "x.h5", family_id=np.arange(3), rent=np.arange(3))
    keys = {**KEYS, "family": "family_id"}
    with pytest.raises(FormatError, match=r"'rent': it has 3 values, as many as") as caught:
        describe(hdf5, path, keys=keys, columns={})
    assert "meta.pe.columns: {rent:" in str(caught.value.remedy)
    shape = describe(hdf5, path, keys=keys, columns={"rent": "family"})
    assert [c.name for c in shape.tables[2].columns] == ["family_id", "rent"]


def test_core_entity_without_its_key(tmp_path: Path) -> None:
    path = core_file(tmp_path / "x.h5")
    with pytest.raises(FormatError, match="no variable 'family_id'") as caught:
        describe(hdf5, path, keys={**KEYS, "family": "family_id"}, name="data/x.h5")
    assert caught.value.message.startswith("data/x.h5: ")
    assert "meta.pe" in str(caught.value.remedy)


# pandas writes nothing at all for an empty frame in the format "table".
@pytest.mark.parametrize(
    ("layout", "rows"), [("table", 4), ("data columns", 4), ("fixed", 4), ("fixed", 0)]
)
def test_hdfstore(tmp_path: Path, layout: str, rows: int) -> None:
    frame = pd.DataFrame(
        {
            "person_id": np.arange(rows)[::-1],
            "income": np.ones(rows),
            "name": np.array(["x"] * rows, dtype=object),
            "adult": np.ones(rows, dtype=bool),
            "weight 🏠": np.ones(rows, dtype="float32"),
        }
    )
    path = tmp_path / "x.h5"
    options: dict[str, Any] = {"format": "fixed" if layout == "fixed" else "table"}
    if layout == "data columns":
        options["data_columns"] = True
    with warnings.catch_warnings(), pd.HDFStore(path, "w") as store:
        warnings.simplefilter("ignore")
        store.put("person", frame, **options)
        store.put("household", frame[["income"]], **options)
    shape = describe(hdf5, path, keys={}, columns={})
    tables = {table.name: table for table in shape.tables}
    assert {name: t.rows for name, t in tables.items()} == {"person": rows, "household": rows}
    assert [(c.name, c.type) for c in tables["person"].columns] == [
        ("person_id", "int64"),
        ("income", "double"),
        ("name", "string"),
        ("adult", "bool"),
        ("weight 🏠", "float"),
    ]
    check_key(hdf5, path, "person", "person_id", where=WHERE)
    if rows:
        with pytest.raises(FormatError, match=r"1\.0 occurs more than once"):
            check_key(hdf5, path, "person", "income", where=WHERE, rule=PUBLIC)


@pytest.mark.parametrize("cut", [0, 30, 600, -1])
def test_broken_hdf5(tmp_path: Path, cut: int) -> None:
    path = core_file(tmp_path / "x.h5")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(FormatError, match=r"data/x\.h5: is not a complete HDF5 file") as caught:
        describe(hdf5, path, keys=KEYS, columns={}, name="data/x.h5")
    assert "dvc repro" in str(caught.value.remedy)


def test_empty_hdf5(tmp_path: Path) -> None:
    h5py.File(tmp_path / "x.h5", "w").close()
    assert describe(hdf5, tmp_path / "x.h5", keys=KEYS) == FileShape(format="hdf5")
    with pytest.raises(NotFoundError):
        describe(hdf5, tmp_path / "none.h5", keys=KEYS, columns={})
