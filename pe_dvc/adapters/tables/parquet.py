"""Parquet files: what is in them, from the footer alone, and whether a key is one.

The only module that knows pyarrow.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.tables.faults import incomplete, not_unique, null_key
from pe_dvc.documents.disclosure import GATED, Count, Disclosure
from pe_dvc.documents.manifest import Column
from pe_dvc.documents.table_schema import FileShape, FoundTable
from pe_dvc.primitives.errors import FormatError, NotFoundError, PeDvcError
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
    rule: Disclosure = GATED,
) -> FileShape:
    """Return the shape of a parquet file, having read its footer only.

    ``keys`` and ``columns`` are for other formats (``formats.TableReader``). ``name`` is what
    messages call the file. Raises FormatError for a file that is cut short or is no parquet file,
    NotFoundError for none.
    """
    with _open(path, name or str(path), rule) as file:
        schema = file.schema_arrow
        _refuse_twins(schema.names, name or str(path))
        found = tuple(
            Column(name=field.name, type=str(field.type), nullable=field.nullable)
            for field in schema
        )
        table = FoundTable(name=None, rows=file.metadata.num_rows, columns=found)
    return FileShape(format="parquet", tables=(table,))


def check_key(
    path: Path,
    table: str,
    key: str,
    *,
    where: str,
    name: str | None = None,
    rule: Disclosure = GATED,
) -> None:
    """Check that the column ``key`` has no null and no value twice.

    Reads that column only, in batches; there is one table, whatever ``table`` is. ``where`` is
    the declaration that makes it a key. Raises FormatError.
    """
    from pe_dvc.adapters.tables.duplicates import find_repeated

    label = name or str(path)
    with _open(path, label, rule) as file:
        _check_not_nested(file.schema_arrow, key, where, label)
        rows = file.metadata.num_rows
        found = find_repeated(lambda: _values(file, key, where, label, rule), rows)
    if found is not None:
        remedy = "Name the column that tells one row from another, or fix the data."
        raise not_unique(found, key, label=label, where=where, remedy=remedy, rule=rule)


def read_columns(
    path: Path,
    table: str,
    columns: Sequence[str],
    *,
    name: str | None = None,
    rule: Disclosure = GATED,
) -> Iterator[list[NDArray[Any]]]:
    """Yield the values of some columns of the one table, a batch of rows at a time.

    A null is NaN among numbers, and None among anything else. Raises FormatError for a column
    that is nested or not there.
    """
    label = name or str(path)
    with _open(path, label, rule) as file:
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


def _check_not_nested(schema: Any, key: str, where: str, label: str) -> None:
    import pyarrow as pa

    if pa.types.is_nested(schema.field(schema.get_field_index(key)).type):
        raise FormatError(
            f"the key {key!r} of {label} is nested, and a key is one value a row",
            where=where,
            remedy="Name a column of numbers or text.",
        )


def _values(
    file: Any, key: str, where: str, label: str, rule: Disclosure
) -> Iterator[NDArray[Any]]:
    for batch in _batches(file, key):
        if batch.null_count:
            nulls = sum(every.null_count for every in _batches(file, key))
            count = Count(nulls, "row", of=file.metadata.num_rows)
            remedy = "Give every row a key, or name another column."
            raise null_key(count, key, label=label, where=where, remedy=remedy, rule=rule)
        yield _to_numpy(batch)


def _batches(file: Any, key: str) -> Iterator[Any]:
    for batch in file.iter_batches(_BATCH_ROWS, columns=[key], use_threads=False):
        # By name: for a name with a dot pyarrow may read a nested column of that path as well.
        yield batch.column(key)


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
def _open(path: Path, label: str, rule: Disclosure) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        open_to_read(path).close()  # pyarrow would wait for a pipe
        with pq.ParquetFile(path) as file:
            yield file
    except PeDvcError:
        raise
    except FileNotFoundError:
        raise NotFoundError(
            f"{label} is not there", remedy="Run `dvc pull` or `dvc repro`."
        ) from None
    except (pa.ArrowException, OSError, LookupError, ValueError) as error:
        raise incomplete("parquet file", error, label=label, rule=rule) from None
