"""The content digest: the same values in any file, and no other ones."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pe_dvc.adapters.tables.content import content_digests
from pe_dvc.adapters.tables.data_file import DataFile
from pe_dvc.adapters.tables.formats import format_of
from pe_dvc.adapters.tables.value_digest import ColumnDigest, plain_values, text_values
from pe_dvc.documents.manifest import Contents, Table
from pe_dvc.documents.table_schema import Hints

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 1000


def frame() -> pd.DataFrame:
    random = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "person_id": np.arange(ROWS),
            "age": random.integers(0, 90, ROWS).astype("int8"),
            "weight": random.random(ROWS).astype("float32"),
            "income": np.where(random.random(ROWS) < 0.1, np.nan, random.random(ROWS)),
            "zero": np.where(random.random(ROWS) < 0.5, -0.0, 0.0),
            "employed": random.random(ROWS) < 0.5,
            "name": [None if i % 7 == 0 else f"né {i}" for i in range(ROWS)],
            "state": pd.Categorical([["CA", "NY", None][i % 3] for i in range(ROWS)]),
            "born": pd.date_range("2024-01-01", periods=ROWS, freq="h"),
            "large": np.arange(ROWS).astype("uint64") + 2**63,
        }
    )


def digest_of(path: Path, keys: dict[str, str] | None = None) -> str | None:
    file = DataFile(path=path, label=path.name, hints=Hints(keys=keys or {}))
    shape = format_of(path, name=path.name).reader().describe(file)
    tables = [
        Table(name=t.name or "person", rows=t.rows, columns=t.columns, periods=dict(t.periods))
        for t in shape.tables
    ]
    found = content_digests(file, Contents(format=shape.format, entities={}, tables=tuple(tables)))
    return found.get("person")


def written(path: Path, table: pd.DataFrame, **options: Any) -> Path:
    if path.suffix == ".parquet":
        table.to_parquet(path, **options)
    else:
        table.to_hdf(path, key="person", mode="w", **options)
    return path


WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "parquet": ("a.parquet", {}),
    "parquet, compressed, in small groups": (
        "b.parquet",
        {"compression": "gzip", "row_group_size": 77, "use_dictionary": False},
    ),
    "HDFStore": ("a.h5", {"format": "table"}),
    "HDFStore, compressed, each column by itself": (
        "b.h5",
        {"format": "table", "complevel": 5, "data_columns": True, "index": False},
    ),
    "HDFStore, of another encoding": ("c.h5", {"format": "table", "encoding": "latin-1"}),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_same_frame_has_one_digest_in_every_file(tmp_path: Path, way: str) -> None:
    name, options = WAYS[way]
    expected = digest_of(written(tmp_path / "expected.parquet", frame()))
    assert expected is not None
    assert digest_of(written(tmp_path / name, frame(), **options)) == expected


def test_a_file_written_again_has_other_bytes_and_one_digest(tmp_path: Path) -> None:
    import time

    first = written(tmp_path / "a.h5", frame(), format="table")
    before, data = digest_of(first), first.read_bytes()
    time.sleep(1.1)  # HDF5 keeps times of objects in seconds
    again = written(tmp_path / "b.h5", frame(), format="table")
    assert again.read_bytes() != data
    assert digest_of(again) == before


def test_fixed_stores_and_the_order_of_columns(tmp_path: Path) -> None:
    table = frame().drop(columns=["name", "state"])
    expected = digest_of(written(tmp_path / "a.parquet", table))
    assert digest_of(written(tmp_path / "a.h5", table, format="fixed")) == expected
    turned = table[table.columns[::-1]]
    assert digest_of(written(tmp_path / "b.parquet", turned)) == expected


def test_widths_of_numbers_and_zeros_of_either_sign_do_not_count(tmp_path: Path) -> None:
    table = frame()[["person_id", "age", "weight", "zero"]]
    wide = table.astype({"age": "int64", "weight": "float64"}).assign(zero=0.0)
    expected = digest_of(written(tmp_path / "a.parquet", table))
    assert digest_of(written(tmp_path / "b.parquet", wide)) == expected


def changed(column: str, row: int, value: Any) -> pd.DataFrame:
    table = frame()
    table.loc[row, column] = value
    return table


CHANGES = {
    "a number": lambda: changed("income", 999, 0.25),
    "a number that becomes missing": lambda: changed("income", 3, np.nan),
    "a missing text that becomes empty": lambda: changed("name", 0, ""),
    "a missing text that becomes the word": lambda: changed("name", 0, "nan?"),
    "texts that run into each other": lambda: frame().assign(
        name=[f"{'ab'[: i % 2]}" + "c" * (i % 2) for i in range(ROWS)]
    ),
    "a category": lambda: changed("state", 0, "NY"),
    "a time, by a nanosecond": lambda: frame().assign(
        born=frame()["born"].astype("datetime64[ns]") + pd.Timedelta(1, "ns")
    ),
    "the order of rows": lambda: frame().iloc[::-1].reset_index(drop=True),
    "a row more": lambda: pd.concat([frame(), frame().head(1)], ignore_index=True),
    "a column's name": lambda: frame().rename(columns={"age": "years"}),
    "a column's kind": lambda: frame().astype({"age": "float64"}),
    "truth values that become numbers": lambda: frame().astype({"employed": "int8"}),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("suffix", ["parquet", "h5"])
def test_other_values_have_another_digest(tmp_path: Path, change: str, suffix: str) -> None:
    options = {"format": "table"} if suffix == "h5" else {}
    before = digest_of(written(tmp_path / f"a.{suffix}", frame(), **options))
    after = digest_of(written(tmp_path / f"b.{suffix}", CHANGES[change](), **options))
    assert before is not None
    assert after is not None
    assert after != before


def test_cores_layout_and_its_periods(tmp_path: Path) -> None:
    import h5py

    def core(name: str, ages: list[int], year: str = "2024", **options: Any) -> str | None:
        with h5py.File(tmp_path / name, "w") as file:
            file.create_dataset(f"person_id/{year}", data=[1, 2, 3], **options)
            file.create_dataset(f"age/{year}", data=ages, **options)
            file.create_dataset(f"name/{year}", data=np.array([b"a", b"b", b""]), **options)
        return digest_of(tmp_path / name, {"person": "person_id"})

    before = core("a.h5", [3, 40, 50])
    assert before is not None
    assert core("b.h5", [3, 40, 50], compression="gzip", chunks=(2,)) == before
    assert core("c.h5", [3, 40, 51]) != before
    assert core("d.h5", [3, 40, 50], year="2025") != before


def test_text_files_whatever_their_compression(tmp_path: Path) -> None:
    table = frame()[["person_id", "age", "income", "large"]].astype({"large": "int8"})
    expected = digest_of(written(tmp_path / "a.parquet", table))
    table.to_csv(tmp_path / "a.csv", index=False)
    table.to_csv(tmp_path / "a.csv.gz", index=False, compression={"method": "gzip", "mtime": 1})
    table.to_csv(tmp_path / "b.csv.gz", index=False, compression={"method": "gzip", "mtime": 2})
    assert (tmp_path / "a.csv.gz").read_bytes() != (tmp_path / "b.csv.gz").read_bytes()
    for name in ("a.csv", "a.csv.gz", "b.csv.gz"):
        assert digest_of(tmp_path / name) == expected


RECORDS: dict[str, list[Any]] = {
    "person_id": [1, 2, 3],
    "weight": [1.5, None, 2.0],
    "name": ["né", None, ""],
    "jobs": [[1, 2], None, []],
    "home": [{"state": "CA", "rooms": None}, {"state": "NY", "rooms": 2}, None],
}


def sqlite_of(path: Path, columns: dict[str, list[Any]], *statements: str) -> Path:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("create table person (person_id integer, weight real, name text)")
        rows = zip(*(columns[name] for name in ("person_id", "weight", "name")), strict=True)
        database.executemany("insert into person values (?, ?, ?)", rows)
        for statement in statements:
            database.execute(statement)
    return path


def lines_of(path: Path, columns: dict[str, list[Any]]) -> Path:
    rows = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def test_json_lines_and_nested_columns(tmp_path: Path) -> None:
    expected = digest_of(lines_of(tmp_path / "a.jsonl", RECORDS))
    pq.write_table(pa.table(RECORDS), tmp_path / "a.parquet", row_group_size=2)
    assert expected is not None
    assert digest_of(tmp_path / "a.parquet") == expected
    other = RECORDS | {"jobs": [[1], [2], []]}
    assert digest_of(lines_of(tmp_path / "b.jsonl", other)) not in (None, expected)


def test_databases_whatever_their_indexes(tmp_path: Path) -> None:
    flat = {name: RECORDS[name] for name in ("person_id", "weight", "name")}
    pq.write_table(pa.table(flat), tmp_path / "a.parquet")
    expected = digest_of(tmp_path / "a.parquet")
    plain = digest_of(sqlite_of(tmp_path / "a.db", flat))
    index = "create index by_all on person (name desc, weight, person_id)"
    indexed = digest_of(sqlite_of(tmp_path / "b.db", flat, index, "analyze"))
    assert expected is not None
    assert plain == indexed == expected
    turned = {name: column[::-1] for name, column in flat.items()}
    assert digest_of(sqlite_of(tmp_path / "c.db", turned)) != expected
    strange = "update person set weight = 'heavy' where person_id = 1"
    assert digest_of(sqlite_of(tmp_path / "d.db", flat, strange)) is None


def test_dates_decimals_and_bytes(tmp_path: Path) -> None:
    """Neither the scale of a decimal number nor the width of bytes counts."""
    columns: dict[str, list[Any]] = {
        "born": [date(2024, 1, 2), None, date(1969, 12, 31)],
        "amount": [Decimal("1.50"), None, Decimal("-0.00")],
        "key": [b"ab", None, b"\0\xff"],
    }
    kinds = [
        {"born": pa.date32(), "amount": pa.decimal128(9, scale), "key": key}
        for scale, key in ((2, pa.binary()), (5, pa.large_binary()))
    ]
    for number, kind in enumerate(kinds):
        arrays = {name: pa.array(columns[name], kind[name]) for name in columns}
        pq.write_table(pa.table(arrays), tmp_path / f"{number}.parquet")
    found = [digest_of(tmp_path / f"{number}.parquet") for number in range(2)]
    assert found[0] is not None
    assert found[0] == found[1]
    for name, value in {"born": date(2024, 1, 3), "amount": Decimal("1.51"), "key": b"ac"}.items():
        other = {**columns, name: [value, *columns[name][1:]]}
        pq.write_table(pa.table(other), tmp_path / "other.parquet")
        assert digest_of(tmp_path / "other.parquet") not in (None, found[0])


def test_values_without_a_canonical_form_have_no_digest(tmp_path: Path) -> None:
    for column in ([timedelta(1), timedelta(2)], [[2**60], []], [[date(2024, 1, 1)], []]):
        table = pa.table({"person_id": [1, 2], "odd": column})
        pq.write_table(table, tmp_path / "a.parquet")
        assert digest_of(tmp_path / "a.parquet") is None
    lines = '{"a": 1}\n' * 10_001 + '{"a": 1.5}\n'
    (tmp_path / "a.jsonl").write_text(lines)
    assert digest_of(tmp_path / "a.jsonl") is None
    assert digest_of(written(tmp_path / "a.h5", frame()[["name"]], format="fixed")) is None


def test_the_digest_is_of_the_form_that_the_record_says() -> None:
    """ADR 0017, computed by hand."""
    import hashlib
    import struct

    def sha256(*parts: bytes) -> bytes:
        return hashlib.sha256(b"".join(parts)).digest()

    numbers = ColumnDigest()
    numbers.add(plain_values(np.array([1.5, np.nan]), "double"))
    numbers.add(plain_values(np.array([-0.0]), "double"))
    stored = struct.pack("<3d", 1.5, 0.0, 0.0)
    whole = sha256(b"float\0", sha256(b"\1\0\1"), sha256(stored), sha256())
    assert numbers.hexdigest() == whole.hex()
    texts = ColumnDigest()
    texts.add(text_values(["é".encode(), b""], np.array([True, False])))
    stored = struct.pack("<2q", 2, 0)
    whole = sha256(b"text\0", sha256(b"\1\0"), sha256(stored), sha256("é".encode()))
    assert texts.hexdigest() == whole.hex()
