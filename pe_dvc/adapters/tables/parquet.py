"""Parquet files: what is in them, from the footer alone, and the values of their columns.

With ``arrow`` and ``csv_text`` the only module that knows pyarrow.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.tables.arrow import (
    becomes_objects,
    canonical_values,
    check_flat,
    columns_of,
    to_numpy,
)
from pe_dvc.documents.table_schema import FileShape, FoundTable
from pe_dvc.primitives.errors import FormatError, PeDvcError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pe_dvc.adapters.tables.data_file import Batch, DataFile
    from pe_dvc.adapters.tables.value_digest import Values
    from pe_dvc.documents.places import Place

_BATCH_ROWS = 1024 * 1024
_OBJECTS = 64 * 1024
"""Rows at a time of values that become objects of Python's, for their content digest."""
MAX_FOOTER = 64 * 1024 * 1024
"""Bytes: one of 68 columns has 20 KB."""
_END = 8
"""Bytes after a footer: its length, and a mark."""
_READ_BYTES = 1024 * 1024
"""Bytes that are read at a time: a group of rows may be as large as the file."""


def describe(file: DataFile) -> FileShape:
    """Return the shape of a parquet file, having read its footer only.

    Raises FormatError for a file that is cut short or is no parquet file, NotFoundError for none.
    """
    with _open(file) as opened:
        columns, members = columns_of(opened.schema_arrow)
        table = FoundTable(name=None, rows=opened.metadata.num_rows, columns=columns)
    return FileShape(format="parquet", tables=(table,), members=members)


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


def values(file: DataFile, places: Sequence[Place]) -> Iterator[tuple[Place, Values]]:
    """Yield the values of columns in their canonical form, each with its place.

    Raises UnsupportedTypeError for values that have none.
    """
    with _open(file) as opened:
        for place in places:
            kind = opened.schema_arrow.field(place.column).type
            rows = _OBJECTS if becomes_objects(kind) else _BATCH_ROWS
            batches = opened.iter_batches(rows, columns=[place.column], use_threads=False)
            for batch in batches:
                yield place, canonical_values(batch.column(0))


def footer_length(tail: bytes) -> int:
    """Return how many bytes at a file's end are its footer, given its last bytes.

    Raises FormatError for what is the end of no parquet file.
    """
    if len(tail) < _END or tail[-4:] != b"PAR1":
        raise FormatError("it does not end as a parquet file does")
    return int.from_bytes(tail[-_END:-4], "little") + _END


def column_places(tail: bytes, *, label: str) -> list[tuple[int, int, str]]:
    """Return where chunks of columns lie in a file: first byte, byte after the last, column.

    ``tail`` is its end with the whole footer. Of a nested column each part has its name. Raises
    FormatError.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = pq.read_metadata(pa.BufferReader(tail))
        names = set(found.schema.to_arrow_schema().names)
        places = []
        for number in range(found.num_row_groups):
            group = found.row_group(number)
            for index in range(group.num_columns):
                chunk = group.column(index)
                path, start = chunk.path_in_schema, chunk.data_page_offset
                if chunk.dictionary_page_offset:
                    start = min(start, chunk.dictionary_page_offset)
                name = path if path in names else path.partition(".")[0]
                places.append((start, start + chunk.total_compressed_size, name))
    except (pa.ArrowException, OSError, LookupError, ValueError):
        raise FormatError("its footer is none of a parquet file", where=label) from None
    return places


@contextmanager
def _open(file: DataFile) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with file.open():  # pyarrow would wait for a pipe
            pass
        # Buffered ahead, a column is held as a whole, however few rows are asked for at a time.
        with pq.ParquetFile(file.path, pre_buffer=False, buffer_size=_READ_BYTES) as opened:
            yield opened
    except PeDvcError:
        raise
    except (pa.ArrowException, OSError, LookupError, ValueError) as error:
        raise file.incomplete("parquet file", error) from None
