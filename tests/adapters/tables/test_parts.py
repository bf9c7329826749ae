"""Directories of parquet files: described as one table, or named why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from pe_dvc.adapters.tables import directory, parquet
from pe_dvc.adapters.tables.content import content_digests
from pe_dvc.adapters.tables.data_file import DataFile
from pe_dvc.adapters.tables.parts import NULL, Part, partition_columns
from pe_dvc.documents.manifest import Contents, Table
from pe_dvc.documents.places import Place
from pe_dvc.documents.table_schema import FileShape, Hints
from pe_dvc.primitives.errors import FormatError, NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

PEOPLE = pa.table(
    {
        "person_id": pa.array([1, 2, 3, 4], pa.int64()),
        "age": pa.array([10, None, 30, 40], pa.int32()),
        "year": pa.array([2024, 2024, 2025, 2025], pa.int32()),
        "state": pa.array(["AL", "AK", "AL", None], pa.string()),
    }
)


@pytest.fixture
def hive(tmp_path: Path) -> DataFile:
    """A directory as pyarrow partitions it, with what Spark leaves beside it."""
    folder = tmp_path / "people"
    pq.write_to_dataset(PEOPLE, folder, partition_cols=["year", "state"])
    (folder / "_SUCCESS").write_text("")
    (folder / "_metadata").write_bytes(b"none of ours")
    return DataFile(path=folder, label="data/people")


def at(column: str) -> Place:
    return Place(table="table", column=column)


def read(file: DataFile, *columns: str) -> list[tuple[object, ...]]:
    batches = directory.read_columns(file, [at(column) for column in columns])
    return [
        tuple(row) for batch in batches for row in zip(*(c.tolist() for c in batch), strict=True)
    ]


def contents(shape: FileShape) -> Contents:
    (found,) = shape.tables
    table = Table(name="table", rows=found.rows, columns=found.columns)
    return Contents(format=shape.format, tables=(table,), entities={})


def test_a_partitioned_directory_is_one_table(hive: DataFile) -> None:
    shape = directory.describe(hive)
    (table,) = shape.tables
    assert (shape.format, table.rows, shape.members) == ("directory", 4, ())
    assert {c.name: (c.type, c.nullable, c.partition) for c in table.columns} == {
        "person_id": ("int64", True, False),
        "age": ("int32", True, False),
        "year": ("int32", False, True),
        "state": ("string", True, True),
    }
    seen = ds.dataset(hive.path, format="parquet", partitioning="hive").schema
    assert {c.name: c.type for c in table.columns} == {f.name: str(f.type) for f in seen}


def test_the_columns_of_a_partitioned_directory_are_read(hive: DataFile) -> None:
    rows = read(hive, "state", "person_id", "year")
    assert sorted(rows, key=lambda row: int(str(row[1]))) == [
        ("AL", 1, 2024),
        ("AK", 2, 2024),
        ("AL", 3, 2025),
        (None, 4, 2025),
    ]
    assert sorted(read(hive, "year")) == [(2024,), (2024,), (2025,), (2025,)]
    with pytest.raises(FormatError, match="'none' is not there"):
        read(hive, "none")


def test_its_content_digest_is_that_of_one_file_in_the_same_order(
    hive: DataFile, tmp_path: Path
) -> None:
    digests = content_digests(hive, contents(directory.describe(hive)))
    pq.write_table(PEOPLE.take([1, 0, 2, 3]), tmp_path / "one.parquet")
    one = DataFile(path=tmp_path / "one.parquet", label="one")
    assert content_digests(one, contents(parquet.describe(one))) == digests


PARTS = {
    "a column that is not in the others": (pa.table({"a": [1], "b": [2]}), "has a column 'b'"),
    "a column less": (pa.table({"z": [1]}), "has no column 'a'"),
    "another type": (pa.table({"a": ["x"]}), "'a' is string, and int64 in a-0.parquet"),
}


@pytest.mark.parametrize(("table", "reason"), PARTS.values(), ids=PARTS)
def test_parts_that_differ_are_named(tmp_path: Path, table: pa.Table, reason: str) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a-0.parquet")
    pq.write_table(table, tmp_path / "a-1.parquet")
    file = DataFile(path=tmp_path, label="data/a")
    shape = directory.describe(file)
    assert shape.tables == ()
    (member,) = shape.members
    assert member.name == "a-1.parquet"
    assert reason in str(member.reason)
    asked = DataFile(path=tmp_path, label="data/a", hints=Hints(keys={"person": "a"}))
    with pytest.raises(FormatError, match=r"a-1\.parquet: ") as refused:
        directory.describe(asked)
    assert reason in refused.value.message


def test_a_part_whose_values_are_all_missing_is_of_the_same_table(tmp_path: Path) -> None:
    """As pandas writes one: of the type ``null``."""
    pq.write_table(pa.table({"a": pa.nulls(2)}), tmp_path / "a-0.parquet")
    pq.write_table(pa.table({"a": ["x"]}), tmp_path / "a-1.parquet")
    (table,) = directory.describe(DataFile(path=tmp_path, label="data/a")).tables
    assert [(c.type, c.nullable) for c in table.columns] == [("string", True)]


@pytest.mark.parametrize(
    ("paths", "reason"),
    [
        (["year=2024/a.parquet", "b.parquet"], "no folder gives 'year'"),
        (["year=2024/a.parquet", "year=2025/month=1/b.parquet"], "no folder gives 'month'"),
        (["a=1/a.parquet"], "both have 'a'"),
    ],
)
def test_folders_that_differ_are_named(tmp_path: Path, paths: list[str], reason: str) -> None:
    for path in paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"a": [1]}), tmp_path / path)
    shape = directory.describe(DataFile(path=tmp_path, label="data/a"))
    assert shape.tables == ()
    assert reason in str(shape.members[0].reason)


@pytest.mark.parametrize(
    ("value", "kind"),
    [("2024", "int32"), ("-1", "int32"), ("007", "int32"), ("3000000000", "string"),
     ("1e3", "string"), ("", "string"), ("²", "string"), ("a%2Fb", "string"), (NULL, "int32"),
     ("1_0", "string"), ("9" * 5000, "string")],
)  # fmt: skip
def test_the_type_of_a_folder_s_value(value: str, kind: str) -> None:
    read_back = None if value == NULL else value
    columns = partition_columns([Part("x", {"k": read_back})])
    assert columns["k"].type == kind


def test_other_files_are_listed_only(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    (tmp_path / "README").write_text("x")
    file = DataFile(path=tmp_path, label="data/a")
    assert directory.describe(file) == FileShape(format="directory")
    with pytest.raises(FormatError):
        read(file, "a")
    with pytest.raises(NotFoundError):
        directory.describe(DataFile(path=tmp_path / "none", label="data/none"))


def test_a_part_that_is_cut_short_is_named(hive: DataFile) -> None:
    part = next(hive.path.rglob("*.parquet"))
    part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(FormatError, match=r"not a complete parquet file") as refused:
        directory.describe(hive)
    assert part.name in str(refused.value)
