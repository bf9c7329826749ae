"""DuckDB, for joins of tables that are larger than memory: the only module that knows it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from pe_dvc.adapters.tables.formats import format_named
from pe_dvc.documents.places import Place
from pe_dvc.primitives.errors import PeDvcError
from pe_dvc.store.scratch import scratch_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pe_dvc.adapters.tables.data_file import DataFile

MEMORY = "512MB"
"""Most memory of DuckDB's; what needs more goes to files in a temporary directory."""


class Database:
    """A database of this process alone, gone afterwards."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""
        rows: list[tuple[Any, ...]] = self._connection.execute(query).fetchall()
        return rows

    def types(self, table: str) -> dict[str, str]:
        """Return the type of each column of a table, in DuckDB's words."""
        return {name: kind for name, kind, *_ in self.ask(f"DESCRIBE {table}")}

    def load(
        self, table: str, file: DataFile, kind: str, names: Sequence[str], *, source: Place
    ) -> None:
        """Make columns of a file a table, called ``c0``, ``c1`` and so on.

        ``source`` is the table in the file, and its period; ``kind`` the format. Parquet is read by
        DuckDB itself, when it is asked for; all else by its own reader, now.
        """
        if kind == "parquet":
            columns = ", ".join(f"{quoted(name)} AS c{i}" for i, name in enumerate(names))
            path = text(str(file.path))
            self.ask(f"CREATE VIEW {table} AS SELECT {columns} FROM read_parquet({path})")
            return
        places = [Place(table=source.table, column=name, period=source.period) for name in names]
        made = False
        for batch in format_named(kind, where=file.label).reader().read_columns(file, places):
            arrays = {f"c{i}": _known(values) for i, values in enumerate(batch)}
            self._connection.register("batch", arrays)
            start = f"INSERT INTO {table}" if made else f"CREATE TABLE {table} AS"
            self.ask(f"{start} SELECT * FROM batch")
            self._connection.unregister("batch")
            made = True


@contextmanager
def database() -> Iterator[Database]:
    """Open a database in a temporary directory. Raises PeDvcError where DuckDB is not installed."""
    try:
        import duckdb
    except ModuleNotFoundError:
        raise PeDvcError(
            "to compare rows needs the Python package duckdb, which is not installed here",
            remedy="Install it: pip install duckdb",
        ) from None
    with scratch_directory() as directory:
        # In memory: tables of a file are compressed. What is beyond the limit goes there as well.
        connection = duckdb.connect(config=_config(directory))
        try:
            yield Database(connection)
        finally:
            connection.close()


def quoted(name: str) -> str:
    """Return a name as an identifier of SQL, whatever is in it."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def text(value: str) -> str:
    """Return a text as a literal of SQL."""
    doubled = value.replace("'", "''")
    return f"'{doubled}'"


def _known(values: NDArray[Any]) -> NDArray[Any]:
    """Return values of a type that DuckDB takes; what is neither number nor time becomes text."""
    kind = values.dtype.kind
    if kind == "f":
        return values.astype(np.float32 if values.dtype.itemsize <= 4 else np.float64)
    if kind in "iub":
        return values.astype(values.dtype.newbyteorder("="))
    if kind in "mM":
        return values.astype("M8[us]") if kind == "M" else values.astype(np.int64)
    found = np.empty(len(values), object)
    found[:] = [_text(value) for value in values.tolist()]
    return found


def _text(value: Any) -> str | None:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, bool):
        return str(value).lower()  # as DuckDB writes those of other files
    # pd.NA is neither equal to itself nor unequal: what cannot be compared is no value.
    try:
        gone = value is None or bool(value != value)
    except TypeError:
        gone = True
    return None if gone else str(value)


def _config(directory: Path) -> dict[str, Any]:
    return {
        "memory_limit": MEMORY,
        "temp_directory": str(directory / "spill"),
        "threads": min(4, os.cpu_count() or 1),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
