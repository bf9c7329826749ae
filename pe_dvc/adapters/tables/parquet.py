"""Parquet files: what is in them, from the footer alone, and whether a key is one.

The only module that knows pyarrow.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.manifest import Column
from pe_dvc.documents.table_schema import FileShape, FoundTable
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.store.plain_files import open_to_read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_BATCH_ROWS = 1024 * 1024


def describe(
    path: Path,
    *,
    keys: Mapping[str, str] | None = None,
    columns: Mapping[str, str] | None = None,
    name: str | None = None,
) -> FileShape:
    """Return the shape of a parquet file, having read its footer only.

    ``keys`` and ``columns`` are for other formats (``formats.TableReader``). ``name`` is what
    messages call the file. Raises FormatError for a file that is cut short or is no parquet file,
    NotFoundError for none.
    """
    with _open(path, name or str(path)) as file:
        schema = file.schema_arrow
        _refuse_twins(schema.names, name or str(path))
        found = tuple(
            Column(name=field.name, type=str(field.type), nullable=field.nullable)
            for field in schema
        )
        table = FoundTable(name=None, rows=file.metadata.num_rows, columns=found)
    return FileShape(format="parquet", tables=(table,))


def check_key(path: Path, table: str, key: str, *, where: str, name: str | None = None) -> None:
    """Check that the column ``key`` has no null and no value twice.

    Reads that column only, in batches; there is one table, whatever ``table`` is. ``where`` is
    the declaration that makes it a key. Raises FormatError.
    """
    from pe_dvc.adapters.tables.duplicates import find_duplicate

    label = name or str(path)
    with _open(path, label) as file:

        def batches() -> Iterator[NDArray[Any]]:
            return _values(file, key, where, label)

        found = find_duplicate(batches, file.metadata.num_rows)
    if found is not None:
        raise FormatError(
            f"the key {key!r} is not unique in {label}: {found!r} occurs more than once",
            where=where,
            remedy="Name the column that tells one row from another, or fix the data.",
        )


def read_columns(
    path: Path, table: str, columns: Sequence[str], *, name: str | None = None
) -> Iterator[list[NDArray[Any]]]:
    """Yield the values of some columns of the one table, a batch of rows at a time.

    A null is NaN among numbers, and None among anything else. Raises FormatError for a column
    that is nested or not there.
    """
    label = name or str(path)
    with _open(path, label) as file:
        for column in columns:
            _check_flat(file.schema_arrow, column, label)
        for batch in file.iter_batches(_BATCH_ROWS, columns=list(columns), use_threads=False):
            yield [_to_numpy(batch.column(column)) for column in columns]


def _check_flat(schema: Any, column: str, label: str) -> None:
    import pyarrow as pa

    index = schema.get_field_index(column)
    if index < 0 or pa.types.is_nested(schema.field(index).type):
        raise FormatError(
            f"has no column {column!r} of one value a row",
            where=label,
            remedy="Name a column of numbers or text.",
        )


def _to_numpy(column: Any) -> NDArray[Any]:
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    values: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return values


def _values(file: Any, key: str, where: str, label: str) -> Iterator[NDArray[Any]]:
    import pyarrow as pa

    index = file.schema_arrow.get_field_index(key)
    if pa.types.is_nested(file.schema_arrow.field(index).type):
        raise FormatError(
            f"the key {key!r} of {label} is nested, and a key is one value a row",
            where=where,
            remedy="Name a column of numbers or text.",
        )
    row = 0
    for record_batch in file.iter_batches(_BATCH_ROWS, columns=[key], use_threads=False):
        # By name: for a name with a dot pyarrow may read a nested column of that path as well.
        batch = record_batch.column(key)
        if batch.null_count:
            raise FormatError(
                f"the key {key!r} of {label} is null in {batch.null_count} of the rows {row} to "
                f"{row + len(batch)}",
                where=where,
                remedy="Give every row a key, or name another column.",
            )
        row += len(batch)
        yield _to_numpy(batch)


def _refuse_twins(names: list[str], label: str) -> None:
    seen: set[str] = set()
    for column in names:
        if column in seen:
            raise FormatError(
                f"has two columns named {column!r}",
                where=label,
                remedy="Give each column a name of its own.",
            )
        seen.add(column)


@contextmanager
def _open(path: Path, label: str) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        open_to_read(path).close()  # pyarrow would wait for a pipe
        with pq.ParquetFile(path) as file:
            yield file
    except FileNotFoundError:
        raise NotFoundError(
            f"{label} is not there", remedy="Run `dvc pull` or `dvc repro`."
        ) from None
    except (pa.ArrowException, OSError, LookupError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise FormatError(
            f"is not a complete parquet file: {reason}",
            where=label,
            remedy="Build it again with `dvc repro`, or `dvc pull` it.",
        ) from None
