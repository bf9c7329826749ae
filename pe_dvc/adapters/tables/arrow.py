"""What pyarrow gives, as manifests and gates have it: columns of schemas, values of arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pe_dvc.adapters.tables.python_values import values_of
from pe_dvc.adapters.tables.value_digest import Values, kind_of, plain_values
from pe_dvc.documents.manifest import Column, Member
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from numpy.typing import NDArray


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


def as_bytes(column: Any) -> Any:
    """Return texts as their bytes: they may be in no encoding that is known."""
    import pyarrow as pa

    return column.cast(pa.binary()) if pa.types.is_string(column.type) else column


def becomes_objects(kind: Any) -> bool:
    """Tell whether ``canonical_values`` makes an object of Python's of each value of a type."""
    import pyarrow as pa

    return bool(
        pa.types.is_nested(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


def canonical_values(column: Any) -> Values:
    """Return values in their canonical form. Raises UnsupportedTypeError."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind, present = str(column.type), column.is_valid().to_numpy(zero_copy_only=False)
    if becomes_objects(column.type):
        return values_of(column.to_pylist(), kind)
    if kind_of(kind) == "date":
        days = column.cast(pa.int32()).fill_null(0).to_numpy(zero_copy_only=False)
        return plain_values(days, kind, present=present)
    if kind_of(kind) != "text":
        zero = pa.scalar(0).cast(pa.int64()) if kind_of(kind) == "time" else pa.scalar(0)
        numbers = column.cast(pa.int64()) if kind_of(kind) == "time" else column
        filled = numbers.fill_null(zero.cast(numbers.type))
        return plain_values(filled.to_numpy(zero_copy_only=False), kind, present=present)
    texts = column.cast(pa.large_string()).fill_null("")
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, "<i8")[texts.offset : texts.offset + len(texts) + 1]
    held = memoryview(data)[ends[0] : ends[-1]] if data is not None else b""
    return Values(kind="text", numbers=np.diff(ends), present=present, data=held)
