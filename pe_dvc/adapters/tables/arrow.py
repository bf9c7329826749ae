"""What pyarrow gives, as manifests and gates have it: columns of schemas, values of arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
