"""SQLite databases: their tables, columns and rows. Nothing of the file is run.

It is opened read-only and immutable: no journal is played back, no file is made beside it. Of its
schema only tables are asked for their rows; views, triggers and tables of other modules
are code by the maker of the file, and are named.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from pe_dvc.adapters.tables.python_values import values_of
from pe_dvc.documents.manifest import Column, Member
from pe_dvc.documents.table_schema import FileShape, FoundTable
from pe_dvc.primitives.errors import FormatError, PeDvcError
from pe_dvc.primitives.printable import brief

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pe_dvc.adapters.tables.data_file import Batch, DataFile
    from pe_dvc.adapters.tables.value_digest import Values
    from pe_dvc.documents.places import Place

_BATCH_ROWS = 64 * 1024
_WHOLE_ROWS = 4 * 1024
"""Rows at a time of all columns, of which some may be long texts or bytes."""
_MAX_OBJECTS = 10_000
_MAX_VALUE = 64 * 1024 * 1024
"""Bytes of one value, or of one statement that makes a table."""
_STEPS = 100_000
_STEPS_PER_BYTE = 20
"""Steps of SQLite's machine that a byte of the file may take: a row of a few bytes takes five."""
_ALLOWED = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_PRAGMA)
_VIRTUAL = re.compile(r"\s*create\s+virtual\s+table\b", re.IGNORECASE)


def describe(file: DataFile) -> FileShape:
    """Return the tables of a database, having counted their rows.

    Raises FormatError for a file that is damaged or none, NotFoundError for none.
    """
    with _open(file) as database:
        objects = database.execute(
            "select type, name, tbl_name, sql from sqlite_schema where type != 'index' "
            "order by name limit ?",
            (_MAX_OBJECTS + 1,),
        ).fetchall()
        if len(objects) > _MAX_OBJECTS:
            raise file.cut_short("database", f"it has more than {_MAX_OBJECTS:,} tables and views")
        tables, members = [], []
        for kind, name, of, sql in objects:
            if kind == "table" and not _VIRTUAL.match(str(sql)):
                if not str(name).startswith("sqlite_"):
                    tables.append(_table(database, str(name)))
            else:
                what = "a table of an extension" if kind == "table" else f"a {kind}"
                on = f" on {brief(str(of))}" if kind == "trigger" else ""
                members.append(
                    Member(name=str(name), reason=f"{what}{on}: it is code, and not run")
                )
    return FileShape(format="sqlite", tables=tuple(tables), members=tuple(members))


def read_columns(file: DataFile, places: Sequence[Place]) -> Iterator[Batch]:
    """Yield the values of some columns of a table, a batch at a time. Raises FormatError."""
    table = places[0].table
    with _open(file) as database:
        there = {column.name: column.type for column in _columns(database, table)}
        for place in places:
            if place.column not in there:
                raise FormatError(
                    f"has no column {place.column!r} in a table {table!r}",
                    where=file.label,
                    remedy="Name a column that is there.",
                )
        wanted = ", ".join(_quoted(place.column) for place in places)
        rows = database.execute(f"select {wanted} from {_quoted(table)}")
        while batch := rows.fetchmany(_BATCH_ROWS):
            yield [
                _array(list(values), there[place.column])
                for values, place in zip(zip(*batch, strict=True), places, strict=True)
            ]


def values(file: DataFile, places: Sequence[Place]) -> Iterator[tuple[Place, Values]]:
    """Yield the values of columns in their canonical form, each with its place.

    Rows are in the order of the table itself, whatever indexes there are. Raises
    UnsupportedTypeError for values that have no such form, or are not of their column's type.
    """
    table = places[0].table
    with _open(file) as database:
        types = {column.name: column.type for column in _columns(database, table)}
        wanted = ", ".join(_quoted(place.column) for place in places)
        rows = database.execute(f"select {wanted} from {_quoted(table)} not indexed")
        while batch := rows.fetchmany(_WHOLE_ROWS):
            for place, column in zip(places, zip(*batch, strict=True), strict=True):
                yield place, values_of(column, types[place.column])


def _array(values: list[Any], kind: str) -> Any:
    """Return values as an array: numbers with NaN for none of them, else objects."""
    plain = {type(value) for value in values}
    if plain <= {int} and kind == "int64":
        return np.array(values, dtype=np.int64)
    if plain <= {int, float, type(None)} and kind in ("int64", "double"):
        return np.array(values, dtype=np.float64)
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def _table(database: sqlite3.Connection, name: str) -> FoundTable:
    columns = tuple(_columns(database, name))
    (rows,) = database.execute(f"select count(*) from {_quoted(name)}").fetchone()
    return FoundTable(name=name, rows=int(rows), columns=columns)


def _columns(database: sqlite3.Connection, table: str) -> Iterator[Column]:
    for row in database.execute(f"pragma table_xinfo({_quoted(table)})"):
        _, name, declared, not_null, *_ = row
        yield Column(name=str(name), type=_type(str(declared)), nullable=not not_null)


def _type(declared: str) -> str:
    """Return arrow's name of a column's affinity, by SQLite's own rules, else what was declared."""
    upper = declared.upper()
    for parts, name in (
        (("INT",), "int64"),
        (("CHAR", "CLOB", "TEXT"), "string"),
        (("BLOB",), "binary"),
        (("REAL", "FLOA", "DOUB"), "double"),
    ):
        if any(part in upper for part in parts):
            return name
    return brief(declared.lower()) or "any"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def _open(file: DataFile) -> Iterator[sqlite3.Connection]:
    with file.open():
        pass
    path = quote(str(file.path.resolve()))
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as database:
            _confine(database, file.size)
            yield database
    except PeDvcError:
        raise
    except (sqlite3.Error, OverflowError, ValueError, MemoryError) as error:
        raise file.incomplete("SQLite database", error) from None


def _confine(database: sqlite3.Connection, size: int) -> None:
    """Let the database read itself, for a bounded time, and nothing else."""
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE)
    database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    database.text_factory = lambda raw: raw.decode(errors="backslashreplace")
    database.execute("pragma trusted_schema = off")
    database.execute("pragma cell_size_check = on")
    database.execute("pragma query_only = on")
    database.execute("pragma mmap_size = 0")
    database.set_authorizer(
        lambda action, *_: sqlite3.SQLITE_OK if action in _ALLOWED else _function(action, *_)
    )
    left = iter(range(10 + size * _STEPS_PER_BYTE // _STEPS))
    database.set_progress_handler(lambda: next(left, None) is None, _STEPS)


def _function(action: int, *names: Any) -> int:
    counts = action == sqlite3.SQLITE_FUNCTION and "count" in names
    return sqlite3.SQLITE_OK if counts else sqlite3.SQLITE_DENY
