"""Directories of files: the parts of one parquet table are described, and nothing else.

Other files are only listed: each can be a dataset by itself, with a description of its own.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pe_dvc.adapters.tables import opaque, parquet
from pe_dvc.adapters.tables.formats import format_named
from pe_dvc.adapters.tables.parts import Agreement, Part, partition_columns, parts_in
from pe_dvc.adapters.tables.value_digest import plain_values, text_values
from pe_dvc.documents.table_schema import FileShape, FoundTable
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.pools import Pool

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from pe_dvc.adapters.tables.data_file import Batch, DataFile
    from pe_dvc.adapters.tables.value_digest import Values
    from pe_dvc.documents.manifest import Column
    from pe_dvc.documents.places import Place

AT_ONCE = 256
"""Parts whose footers are read, and held, together."""


def describe(file: DataFile) -> FileShape:
    """Return the one table that a directory of parquet files is, from their footers alone.

    Of a directory with other files only the format's name is known, and where parts are not of
    one table those that differ are named. Raises NotFoundError for no directory, FormatError for
    parts that differ where entities are declared, or that are cut short.
    """
    if not file.path.is_dir():
        raise file.missing()
    parts = _parts(file)
    if not parts:
        return FileShape(format="directory")
    agreed = _agreement(file, parts)
    if agreed.odd:
        _refuse_odd(file, agreed)
        return FileShape(format="directory", members=tuple(agreed.odd))
    columns = (*agreed.columns.values(), *agreed.partitions.values())
    table = FoundTable(name=None, rows=agreed.rows, columns=columns)
    return FileShape(format="directory", tables=(table,))


def _parts(file: DataFile) -> list[Part]:
    return parts_in(file.path, format_named("parquet", where=file.label).suffixes)


def _agreement(file: DataFile, parts: list[Part]) -> Agreement:
    agreed = Agreement(partition_columns(parts))
    with Pool(os.cpu_count() or 1) as pool:
        for start in range(0, len(parts), AT_ONCE):
            batch = parts[start : start + AT_ONCE]
            shapes = pool.map(lambda part: parquet.describe(_file(file, part)), batch)
            for part, shape in zip(batch, shapes, strict=True):
                (table,) = shape.tables
                agreed.add(part, table.rows, table.columns)
    return agreed


def _refuse_odd(file: DataFile, agreed: Agreement) -> None:
    """Raise FormatError where what is declared needs one table, and parts are of another."""
    if not file.hints.keys:
        return
    more = f"; and {agreed.odd_count - 3} more" if agreed.odd_count > 3 else ""
    named = "; ".join(f"{one.name}: {one.reason}" for one in agreed.odd[:3])
    raise FormatError(
        f"its files are not the parts of one table: {named}{more}",
        where=file.label,
        remedy="Build them with the same columns, or declare each file as a dataset.",
    )


def _file(file: DataFile, part: Part) -> DataFile:
    return replace(file, path=file.path / part.inside, label=f"{file.label}/{part.inside}")


def read_columns(file: DataFile, places: Sequence[Place]) -> Iterator[Batch]:
    """Yield the values of some columns of the table, part by part, a batch of rows at a time.

    Raises FormatError for a column that is nested or not there.
    """
    parts = _parts(file)
    if not parts:
        yield from opaque.read_columns(file, places)
    folders = partition_columns(parts)
    own = [place for place in places if place.column not in folders]
    for part in parts:
        for rows, batch in _batches(_file(file, part), own):
            read = dict(zip((place.column for place in own), batch, strict=True))
            yield [
                read[p.column]
                if p.column in read
                else _repeated(folders[p.column], part.values.get(p.column), rows)
                for p in places
            ]


def _batches(part: DataFile, places: list[Place]) -> Iterator[tuple[int, Batch]]:
    if not places:
        (table,) = parquet.describe(part).tables
        yield table.rows, []
        return
    for batch in parquet.read_columns(part, places):
        yield len(batch[0]), batch


def _repeated(column: Column, value: str | None, rows: int) -> NDArray[Any]:
    if column.type != "int32":
        return np.full(rows, value, object)
    return np.full(rows, np.nan) if value is None else np.full(rows, int(value), np.int32)


def values(file: DataFile, places: Sequence[Place]) -> Iterator[tuple[Place, Values]]:
    """Yield the values of columns in their canonical form, by the order of the parts' paths.

    Raises UnsupportedTypeError for values that have none.
    """
    parts = _parts(file)
    folders = partition_columns(parts)
    own = [place for place in places if place.column not in folders]
    for part in parts:
        opened = _file(file, part)
        (table,) = parquet.describe(opened).tables
        yield from parquet.values(opened, own)
        for place in places:
            if place.column in folders:
                column = folders[place.column]
                yield place, _canonical(column, part.values.get(place.column), table.rows)


def _canonical(column: Column, value: str | None, rows: int) -> Values:
    present = np.full(rows, value is not None)
    if column.type == "int32":
        return plain_values(np.full(rows, int(value or 0), np.int32), "int32", present=present)
    return text_values([(value or "").encode()] * rows, present)
