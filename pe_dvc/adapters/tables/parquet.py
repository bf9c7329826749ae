"""Parquet files: what is in them, from the footer alone, and the values of their columns.

The only module that knows pyarrow, with ``csv_text``.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.manifest import Column, Member
from pe_dvc.documents.table_schema import FileShape, FoundTable
from pe_dvc.primitives.errors import FormatError, PeDvcError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from pe_dvc.adapters.tables.data_file import Batch, DataFile
    from pe_dvc.documents.places import Place

_BATCH_ROWS = 1024 * 1024


def describe(file: DataFile) -> FileShape:
    """Return the shape of a parquet file, having read its footer only.

    Raises FormatError for a file that is cut short or is no parquet file, NotFoundError for none.
    """
    with _open(file) as opened:
        columns, members = columns_of(opened.schema_arrow)
        table = FoundTable(name=None, rows=opened.metadata.num_rows, columns=columns)
    return FileShape(format="parquet", tables=(table,), members=members)


def columns_of(schema: Any) -> tuple[tuple[Column, ...], tuple[Member, ...]]:
    """Return the columns of a schema of pyarrow's, and those that have the name of another."""
    columns: dict[str, Column] = {}
    twins: list[Member] = []
    for field in schema:
        kind = str(field.type)
        if field.name in columns:
            twins.append(Member(name=field.name, type=kind, reason="another column has its name"))
        else:
            columns[field.name] = Column(name=field.name, type=kind, nullable=field.nullable)
    return tuple(columns.values()), tuple(twins)


def read_columns(file: DataFile, places: Sequence[Place]) -> Iterator[Batch]:
    """Yield the values of some columns of the one table, a batch of rows at a time.

    A null is NaN among numbers, and None among anything else. Raises FormatError for a column
    that is nested or not there.
    """
    columns = [place.column for place in places]
    with _open(file) as opened:
        for column in columns:
            check_flat(opened.schema_arrow, column, file.label)
        # Once each: pyarrow gives a column that is asked for twice once.
        wanted = list(dict.fromkeys(columns))
        for batch in opened.iter_batches(_BATCH_ROWS, columns=wanted, use_threads=False):
            yield [to_numpy(batch.column(column)) for column in columns]


def check_flat(schema: Any, column: str, label: str) -> None:
    """Raise FormatError unless ``column`` is there, once, and has one value a row."""
    import pyarrow as pa

    index = schema.get_field_index(column)
    if index < 0 or pa.types.is_nested(schema.field(index).type):
        is_there = "is nested" if index >= 0 else "is not there, or is there twice"
        raise FormatError(
            f"the column {column!r} {is_there}: expected one value a row",
            where=label,
            remedy="Name a column of numbers or text.",
        )


def to_numpy(column: Any) -> NDArray[Any]:
    """Return the values of an array of pyarrow's."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    values: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return values


@contextmanager
def _open(file: DataFile) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with file.open():  # pyarrow would wait for a pipe
            pass
        with pq.ParquetFile(file.path) as opened:
            yield opened
    except PeDvcError:
        raise
    except (pa.ArrowException, OSError, LookupError, ValueError) as error:
        raise file.incomplete("parquet file", error) from None
