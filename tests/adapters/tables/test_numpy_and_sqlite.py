"""numpy's files and SQLite databases as their own libraries write them."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from pe_dvc.adapters.tables import numpy_file, sqlite
from pe_dvc.documents.places import Place
from pe_dvc.primitives.errors import FormatError
from tests.support.disclosure import PUBLIC
from tests.support.tables import check_key, describe, values

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_an_array(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.ones((650, 100), dtype="float32"))
    (member,) = describe(numpy_file, path).members
    assert (member.name, member.type, member.shape) == ("array", "float", (650, 100))
    assert describe(numpy_file, path).format == "npy"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_of_an_archive(save: Callable[..., None], tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    save(
        path,
        weights=np.ones((3, 4)),
        names=np.array(["a", "bc"]),
        objects=np.array(["a", None], dtype=object),
        records=np.zeros(2, [("a", "i4")]),
        empty=np.zeros((0, 3)),
    )
    shape = describe(numpy_file, path)
    assert shape.format == "npz"
    assert {m.name: (m.type, m.shape, bool(m.reason)) for m in shape.members} == {
        "weights": ("double", (3, 4), False),
        "names": ("string", (2,), False),
        "objects": ("object", (2,), True),
        "records": ("[('a', '<i4')]", (2,), True),
        "empty": ("double", (0, 3), False),
    }


@pytest.mark.parametrize("cut", [0, 3, 60, -1, -40])
@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_a_file_of_numpy_that_is_cut_short(suffix: str, cut: int, tmp_path: Path) -> None:
    path = tmp_path / f"x.{suffix}"
    (np.save if suffix == "npy" else np.savez)(path, np.arange(100))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(FormatError, match=f"x.{suffix}: is not a complete file of numpy"):
        describe(numpy_file, path)


def test_a_header_of_numpy_that_is_no_dictionary(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.arange(2))
    path.write_bytes(path.read_bytes().replace(b"{", b"[", 1))
    with pytest.raises(FormatError, match="is not a complete file of numpy"):
        describe(numpy_file, path)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "it's #1%?.db"
    connection = sqlite3.connect(path)
    pd.DataFrame({"id": [1, 2], "value": [1.5, None]}).to_sql("targets", connection, index=False)
    connection.executescript(
        """create table "a b" (id integer primary key, d date, n varchar(3) not null, b blob, u);
        insert into "a b" values (1, null, 'é', x'00', 2), (2, null, 'x', null, 'y');
        create index i on targets(value);"""
    )
    connection.commit()
    connection.close()
    return path


def test_tables_of_a_database(database: Path) -> None:
    before = database.read_bytes()
    shape = describe(sqlite, database)
    found = {t.name: (t.rows, [(c.name, c.type, c.nullable) for c in t.columns])
             for t in shape.tables}  # fmt: skip
    assert found == {
        "a b": (
            2,
            [
                ("id", "int64", True),
                ("d", "date", True),
                ("n", "string", False),
                ("b", "binary", True),
                ("u", "any", True),
            ],
        ),
        "targets": (2, [("id", "int64", True), ("value", "double", True)]),
    }
    assert shape.members == ()
    check_key(sqlite, database, "targets", "id", where="dvc.yaml")
    with pytest.raises(FormatError, match=r"'value' of .* is null in 1 row"):
        check_key(sqlite, database, "targets", "value", where="dvc.yaml", rule=PUBLIC)
    assert values(sqlite, database, Place(table="a b", column="n")) == [["é", "x"]]
    with pytest.raises(FormatError, match="no column 'age' in a table 'targets'"):
        values(sqlite, database, Place(table="targets", column="age"))
    assert database.read_bytes() == before
    assert list(database.parent.iterdir()) == [database], "no journal, no other file"


CODE: dict[str, Any] = {
    "a view": "create view v as select * from targets",
    "a view that never ends": (
        "create view v as with recursive n(x) as (select 1 union all select x + 1 from n) "
        "select count(*) from n"
    ),
    "a trigger": "create trigger v after insert on targets begin delete from targets; end",
    "a table of an extension": "create virtual table v using fts5(x)",
}


@pytest.mark.parametrize("case", CODE)
def test_code_in_a_database_is_named_and_not_run(case: str, database: Path) -> None:
    connection = sqlite3.connect(database)
    connection.execute(CODE[case])
    connection.close()
    (member,) = describe(sqlite, database).members
    assert member.name == "v"
    assert f"{case.partition(' that')[0]}" in str(member.reason)
    assert "not run" in str(member.reason)


def test_a_database_that_another_program_writes_to_is_read_as_the_file_is(database: Path) -> None:
    other = sqlite3.connect(database)
    other.execute("pragma journal_mode = wal")
    other.execute("begin immediate")
    other.execute("delete from targets")
    assert [t.rows for t in describe(sqlite, database).tables] == [2, 2]
    other.rollback()
    other.close()


@pytest.mark.parametrize("cut", [20, 99, 5000])
def test_a_database_that_is_cut_short(cut: int, database: Path) -> None:
    database.write_bytes(database.read_bytes()[:cut])
    with pytest.raises(FormatError, match="is not a complete SQLite database"):
        describe(sqlite, database)
