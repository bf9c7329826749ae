"""JSON Lines: a table of an object on each line, its columns and types from the first lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pe_dvc.adapters.tables.python_values import values_of
from pe_dvc.documents.manifest import Column, Member
from pe_dvc.documents.table_schema import FileShape, FoundTable
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.json_reader import read_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pe_dvc.adapters.tables.data_file import Batch, DataFile
    from pe_dvc.adapters.tables.value_digest import Values
    from pe_dvc.documents.places import Place

_LONGEST = 16 * 1024 * 1024
"""Bytes of the longest line."""
_SAMPLE = 10_000
"""Lines that are looked at for columns and types."""
_BATCH_ROWS = 16 * 1024
_BLOCK = 1024 * 1024
_MAX_COLUMNS = 10_000
_CANONICAL = {"list": "list<>", "object": "struct<>"}
"""What a type of JSON's is for content digests."""


def describe(file: DataFile) -> FileShape:
    """Return the one table of a file, having counted its lines.

    Raises FormatError for a last line that is cut short, NotFoundError for no file.
    """
    kinds: dict[str, set[str]] = {}
    rows, strange, last = 0, 0, b""
    for line in _lines(file):
        rows, last = rows + 1, line
        if rows > _SAMPLE or strange:
            continue
        record = _record(line)
        if record is None or len(kinds) > _MAX_COLUMNS:
            strange = rows
        for name, value in (record or {}).items():
            kinds.setdefault(name, set()).add(_kind(value))
    if last and _record(last) is None:
        raise file.cut_short("file of JSON lines", "its last line is no JSON object")
    if strange:
        reason = f"line {strange} is no JSON object, or there are too many keys"
        return FileShape(format="jsonl", members=(Member(name="lines", reason=reason),))
    columns = tuple(Column(name=name, type=_type(found)) for name, found in kinds.items())
    table = FoundTable(name=None, rows=rows, columns=columns)
    tables = (table,) if rows else ()
    return FileShape(format="jsonl", tables=tables, types_from=f"the first {_SAMPLE} lines")


def read_columns(file: DataFile, places: Sequence[Place]) -> Iterator[Batch]:
    """Yield the values of some columns, a batch of lines at a time. Raises FormatError."""
    for batch in _batches(file, places):
        yield [_array(values) for values in batch]


def values(file: DataFile, places: Sequence[Place]) -> Iterator[tuple[Place, Values]]:
    """Yield the values of columns in their canonical form, each with its place.

    Raises UnsupportedTypeError for values that have none, or are not of the type that the first
    lines have.
    """
    (table,) = describe(file).tables
    types = {column.name: _CANONICAL.get(column.type, column.type) for column in table.columns}
    for batch in _batches(file, places):
        for place, column in zip(places, batch, strict=True):
            yield place, values_of(column, types[place.column])


def _batches(file: DataFile, places: Sequence[Place]) -> Iterator[list[list[Any]]]:
    """Yield the values of some columns as JSON has them, a batch of lines at a time."""
    columns = [place.column for place in places]
    rows: list[list[Any]] = []
    for number, line in enumerate(_lines(file), start=1):
        record = _record(line)
        if record is None:
            raise FormatError(
                f"line {number} is no JSON object",
                where=file.label,
                remedy="Build it again, with one object on each line.",
            )
        rows.append([record.get(column) for column in columns])
        if len(rows) == _BATCH_ROWS:
            yield [list(column) for column in zip(*rows, strict=True)]
            rows = []
    if rows:
        yield [list(column) for column in zip(*rows, strict=True)]


def _lines(file: DataFile) -> Iterator[bytes]:
    """Yield the lines that are not empty. Raises FormatError for one that does not end."""
    rest = b""
    with file.open() as opened:
        while block := opened.read(_BLOCK):
            *lines, rest = (rest + block).split(b"\n")
            yield from (line for line in lines if line.strip())
            if len(rest) > _LONGEST:
                raise file.cut_short("file of JSON lines", f"a line has more than {_LONGEST} bytes")
    if rest.strip():
        yield rest


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        value = read_json(line, what="a line")
    except FormatError:
        return None
    return value if isinstance(value, dict) else None


def _kind(value: Any) -> str:
    names = {bool: "bool", int: "int64", float: "double", str: "string", type(None): "null"}
    return names.get(type(value), "list" if isinstance(value, list) else "object")


def _type(kinds: set[str]) -> str:
    told = kinds - {"null"}
    if told == {"int64", "double"}:
        return "double"
    return " or ".join(sorted(told)) or "null"


def _array(values: list[Any]) -> Any:
    kinds = {type(value) for value in values}
    if kinds == {int}:
        return np.array(values)
    if kinds <= {int, float, type(None)}:
        return np.array(values, dtype=np.float64)
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found
