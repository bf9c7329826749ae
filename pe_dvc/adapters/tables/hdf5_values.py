"""Values of HDF5 files in their canonical form, for ``hdf5``: each array is read once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pe_dvc.adapters.tables.arrays import is_text
from pe_dvc.adapters.tables.hdfstore import read_frame
from pe_dvc.adapters.tables.key_check import missing
from pe_dvc.adapters.tables.value_digest import (
    UnsupportedTypeError,
    Values,
    plain_values,
    text_values,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from pe_dvc.adapters.tables.hdfstore import ColumnPlace
    from pe_dvc.documents.places import Place


def array_values(columns: Mapping[Place, ColumnPlace]) -> Iterator[tuple[Place, Values]]:
    """Yield the values of columns, which may share arrays, a batch of rows at a time.

    Raises UnsupportedTypeError.
    """
    shared: dict[Any, dict[Place, ColumnPlace]] = {}
    for place, column in columns.items():
        shared.setdefault(column.array.name, {})[place] = column
    for group in shared.values():
        first = next(iter(group.values()))
        categories = {place: _categories(column) for place, column in group.items()}
        for start in range(0, first.array.shape[0], first.step):
            block = np.asarray(first.array[start : start + first.step])
            for place, column in group.items():
                yield place, _canonical(column.of_block(block), column, categories[place])


def _categories(column: ColumnPlace) -> tuple[NDArray[Any], str] | None:
    """Return the values that the codes of a categorical column stand for, and their type."""
    if not column.type.startswith("dictionary<"):
        return None
    if column.categories is None:
        raise UnsupportedTypeError(column.type)
    frame = read_frame(column.categories, "categories", "categories")
    place = frame.places["values"]
    parts = list(place.slices(place.step))
    return np.concatenate(parts) if parts else np.empty(0), place.type


def _canonical(
    values: NDArray[Any], column: ColumnPlace, categories: tuple[NDArray[Any], str] | None
) -> Values:
    if categories is not None:
        values, kind, there = _decoded(values, *categories)
        if kind == "string":
            return _texts(values, column, there)
        return plain_values(values, kind, present=there)
    if column.type == "string":
        return _texts(values, column, np.ones(len(values), np.bool_))
    if values.dtype.kind not in "biufM":
        raise UnsupportedTypeError(str(values.dtype))
    return plain_values(values, column.type)


def _decoded(
    codes: NDArray[Any], categories: NDArray[Any], kind: str
) -> tuple[NDArray[Any], str, NDArray[np.bool_]]:
    there = codes >= 0
    if not len(categories):
        return np.zeros(len(codes), categories.dtype), kind, there
    return categories[np.where(there, codes, 0)], kind, there


def _texts(values: NDArray[Any], column: ColumnPlace, present: NDArray[np.bool_]) -> Values:
    if not is_text(values.dtype) and values.dtype.kind != "O":
        raise UnsupportedTypeError(str(values.dtype))
    if values.dtype.kind == "O":
        present = present & ~missing(values)
    items = values.tolist()
    stands_for_missing = column.missing_text
    if stands_for_missing is not None:
        present = present & np.fromiter((v != stands_for_missing for v in items), bool, len(items))
    return text_values(
        [
            _utf8(v, column.encoding) if there else b""
            for v, there in zip(items, present, strict=True)
        ],
        present,
    )


def _utf8(value: Any, encoding: str) -> bytes:
    if isinstance(value, bytes):
        plain = encoding.lower().replace("_", "-") in ("utf-8", "utf8", "ascii")
        return value if plain else value.decode(encoding, "replace").encode()
    if not isinstance(value, str):
        raise UnsupportedTypeError(type(value).__name__)
    return value.encode("utf-8", "surrogatepass")
