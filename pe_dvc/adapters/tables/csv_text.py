"""Comma-separated text, also gzipped: columns by the header, types as declared or from a sample.

Read by pyarrow a block at a time, so that a file of any length takes the memory of some blocks.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.tables.arrow import (
    as_bytes,
    canonical_values,
    check_flat,
    columns_of,
    to_numpy,
)
from pe_dvc.adapters.tables.value_digest import UnsupportedTypeError
from pe_dvc.documents.manifest import Member
from pe_dvc.documents.table_schema import FileShape, FoundTable
from pe_dvc.primitives.errors import FormatError, PeDvcError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pe_dvc.adapters.tables.data_file import Batch, DataFile
    from pe_dvc.adapters.tables.value_digest import Values
    from pe_dvc.documents.places import Place

_BLOCK = 4 * 1024 * 1024
"""Bytes of text that are looked at together: of the types, the first block."""
_GZIP = b"\x1f\x8b"
_WHY = f"no table: its rows are of different lengths, or longer than {_BLOCK // 1024} KiB"


class _NoTableError(FormatError):
    """Text that is no table, or of which a column is of another type than its first rows."""


def describe(file: DataFile) -> FileShape:
    """Return the one table of a file of text, having counted its rows.

    Raises FormatError for text that is no table, or gzipped data that is cut short, NotFoundError
    for no file.
    """
    format_name = "csv.gz" if _is_gzipped(file) else "csv"
    encoding = _encoding(file)
    if encoding is None:
        return FileShape(format=format_name)  # an empty file
    try:
        with _open(file, encoding, types=file.hints.types) as reader:
            schema = reader.schema
        rows = _rows(file, encoding, schema)
    except _NoTableError:
        return FileShape(format=format_name, members=(Member(name="text", reason=_WHY),))
    _check_declared(file, schema)
    columns, members = columns_of(schema)
    return FileShape(
        format=format_name,
        tables=(FoundTable(name=None, rows=rows, columns=columns),),
        members=members,
        types_from=_source(file, schema, encoding),
    )


def read_columns(file: DataFile, places: Sequence[Place]) -> Iterator[Batch]:
    """Yield the values of some columns, a block at a time. Raises FormatError."""
    columns = [place.column for place in places]
    encoding = _encoding(file) or "utf-8"
    types = {name: kind for name, kind in file.hints.types.items() if name in columns}
    with _open(file, encoding, types=types, only=list(dict.fromkeys(columns))) as reader:
        for column in columns:
            check_flat(reader.schema, column, file.label)
        for batch in reader:
            found = (batch.column(column) for column in columns)
            yield [to_numpy(c if encoding == "utf-8" else as_bytes(c)) for c in found]


def values(file: DataFile, places: Sequence[Place]) -> Iterator[tuple[Place, Values]]:
    """Yield the values of columns in their canonical form, each with its place.

    Raises UnsupportedTypeError for values that have none, and for text in another encoding.
    """
    encoding, columns = _encoding(file), [place.column for place in places]
    if encoding != "utf-8":
        raise UnsupportedTypeError(str(encoding))
    types = {name: kind for name, kind in file.hints.types.items() if name in columns}
    with _open(file, encoding, types=types, only=columns) as reader:
        for batch in reader:
            for place in places:
                yield place, canonical_values(batch.column(place.column))


def _rows(file: DataFile, encoding: str, schema: Any) -> int:
    """Count the rows: one column is read as text, and the others are only told apart."""
    unique = next((name for name in schema.names if schema.names.count(name) == 1), None)
    only = None if unique is None else [unique]
    types = dict.fromkeys(schema.names, "string")
    with _open(file, encoding, types=types, only=only) as reader:
        return sum(batch.num_rows for batch in reader)


def _source(file: DataFile, schema: Any, encoding: str) -> str:
    declared = [name for name in schema.names if name in file.hints.types]
    sample = f"the first {_BLOCK // 1024} KiB"
    source = f"declared, else {sample}" if declared else sample
    source = "declared" if len(declared) == len(schema.names) else source
    return source if encoding == "utf-8" else f"{source}, read as {encoding}"


def _check_declared(file: DataFile, schema: Any) -> None:
    strange = [name for name in file.hints.types if name not in schema.names]
    if strange:
        raise FormatError(
            f"has no column {strange[0]!r}, whose type is declared",
            where=file.label,
            remedy=f"Correct meta.pe.types in dvc.yaml: the columns are "
            f"{', '.join(schema.names[:8])}{' …' if len(schema.names) > 8 else ''}.",
        )


def _is_gzipped(file: DataFile) -> bool:
    with file.open() as opened:
        return opened.read(2) == _GZIP


def _encoding(file: DataFile) -> str | None:
    """Return ``utf-8``, or ``latin-1`` where the first block is none; None for an empty file.

    Raises FormatError for gzipped data that is cut short, or stands for too much.
    """
    head, count, is_gzipped = b"", 0, _is_gzipped(file)
    try:
        for block in _blocks(file):
            head += block[: max(0, _BLOCK - len(head))]
            count += len(block)
            file.check_expansion(count)
            if not is_gzipped:
                break
    except PeDvcError:
        raise
    except (EOFError, OSError, zlib.error) as error:
        raise file.incomplete("gzipped file of text", error) from None
    if not head.strip():
        return None
    try:
        # A character that the block cuts in two is no fault, one that the file cuts is.
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < _BLOCK)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _blocks(file: DataFile) -> Iterator[bytes]:
    """Yield the text, unpacked, some MiB at a time."""
    if not _is_gzipped(file):
        with file.open() as opened:
            yield opened.read(_BLOCK)
        return
    with file.open() as opened, gzip.GzipFile(fileobj=opened) as unpacked:
        while block := unpacked.read(_BLOCK):
            yield block


@contextmanager
def _open(
    file: DataFile, encoding: str, *, types: Any, only: list[str] | None = None
) -> Iterator[Any]:
    """Open the text as pyarrow's reader of blocks; ``only`` are the columns to convert.

    pyarrow reads ahead on threads of its own, so it gets no file of Python's: a program may end
    while they read.
    """
    import pyarrow as pa
    from pyarrow import csv

    kinds = {name: _type(name, kind, file) for name, kind in types.items()}
    convert = csv.ConvertOptions(
        column_types=kinds, include_columns=only or [], check_utf8=encoding == "utf-8"
    )
    try:
        names, skipped = (None, 0) if encoding == "utf-8" else _header(file, encoding)
        source = pa.input_stream(
            str(file.path), compression="gzip" if _is_gzipped(file) else None, buffer_size=_BLOCK
        )
        with (
            source,
            csv.open_csv(
                source,
                read_options=csv.ReadOptions(
                    block_size=_BLOCK, column_names=names, skip_rows=skipped
                ),
                parse_options=csv.ParseOptions(newlines_in_values=True),
                convert_options=convert,
            ) as reader,
        ):
            yield reader
    except PeDvcError:
        raise
    except (pa.ArrowException, KeyError, OSError, ValueError) as error:
        raise _NoTableError(
            f"cannot be read as a table of text: {file.rule.reason(error)}",
            where=file.label,
            remedy="Where a later row is of another type than the first ones, declare the "
            "column's type in dvc.yaml: meta.pe.types.",
        ) from None


def _header(file: DataFile, encoding: str) -> tuple[list[str], int]:
    """Return the names of the columns, of text that is not in UTF-8, and the lines up to there.

    Raises ValueError for a name of more characters than Python's reader takes.
    """
    import csv

    lines = next(_blocks(file)).splitlines()
    number = next((n for n, line in enumerate(lines) if line.strip()), 0)
    try:
        return next(csv.reader([lines[number].decode(encoding)])), number + 1
    except csv.Error:
        raise ValueError("a name in its header is longer than Python reads") from None


def _type(name: str, kind: str, file: DataFile) -> Any:
    import pyarrow as pa

    try:
        return pa.type_for_alias(kind)
    except ValueError:
        raise FormatError(
            f"the type {kind!r} of the column {name!r} is none",
            where=file.label,
            remedy="Name one of arrow's in meta.pe.types, such as int64, double, string, bool or "
            "date32.",
        ) from None
