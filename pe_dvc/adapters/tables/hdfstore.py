"""Tables as pandas' HDFStore lays them out in an HDF5 file, for ``hdf5``.

``format="table"`` is one array of records, columns of one type packed into one field; ``"fixed"``
is one array for all columns of a type. Lists of column names are pickles: they are read by an
unpickler that can make lists, tuples and strings, and nothing else.
"""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.manifest import Column
from pe_dvc.documents.table_schema import FoundTable
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

_ARROW = {
    "float64": "double",
    "float32": "float",
    "float16": "halffloat",
}
_H5T_BITFIELD = 4
_DAMAGED = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, TypeError, ValueError),
)
"""What unpickling raises beside its own error."""
_BATCH_ROWS = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where a column lies: the array, the field of its records or None, the position there."""

    array: Any
    field: str | None
    position: int
    type: str

    def slices(self) -> Iterator[NDArray[Any]]:
        for start in range(0, self.array.shape[0], _BATCH_ROWS):
            rows = slice(start, start + _BATCH_ROWS)
            values = self.array[rows] if self.field is None else self.array.fields(self.field)[rows]
            yield values if values.ndim == 1 else values[:, self.position]


def is_hdfstore(file: Any) -> bool:
    """Tell whether an open HDF5 file is an HDFStore: every group in it says what pandas put."""
    return len(file) > 0 and all("pandas_type" in file[name].attrs for name in file)


def arrow_name(dtype: str) -> str:
    """Return arrow's name for the type that numpy calls ``dtype``: manifests speak one language."""
    if dtype.startswith(("bytes", "str", "object", "|S", "<U")):
        return "string"
    return _ARROW.get(dtype, dtype.replace("datetime64[", "timestamp["))


def hdfstore_table(group: Any, name: str, label: str) -> FoundTable:
    """Return the shape of one table. Raises FormatError for what is not a data frame."""
    rows, places = _places(group, name, label)
    columns = tuple(Column(name=column, type=place.type) for column, place in places.items())
    return FoundTable(name=name, rows=rows, columns=columns)


def hdfstore_key(
    group: Any, name: str, key: str, label: str
) -> tuple[Callable[[], Iterator[NDArray[Any]]], int]:
    """Return a reader of a key column, in batches, and the number of its rows."""
    rows, places = _places(group, name, label)
    place = places[key]
    if rows == 0:
        return lambda: iter(()), 0
    if place.array.shape[0] != rows:
        raise FormatError(
            f"the key {key!r} of the table {name} is text in the format 'fixed'",
            where=label,
            remedy='Save the table with to_hdf(format="table"), or key it by a number.',
        )
    return place.slices, rows


def _places(group: Any, name: str, label: str) -> tuple[int, dict[str, _Place]]:
    kind = _text(group.attrs["pandas_type"])
    if kind == "frame_table":
        return group["table"].shape[0], _table_places(group)
    if kind == "frame":
        axis = group["axis1"] if "axis1" in group else group["axis1_level0"]
        # An empty array lies there as one of a single element, with its true shape beside it.
        rows = _unpickled(axis.attrs["shape"])[0] if "shape" in axis.attrs else axis.shape[0]
        return rows, _fixed_places(group)
    raise FormatError(
        f"the table {name!r} is a {kind} of pandas: expected a data frame",
        where=label,
        remedy="Save data frames only, one for each entity.",
    )


def _table_places(group: Any) -> dict[str, _Place]:
    table = group["table"]
    places = {}
    for field in table.dtype.names:
        if f"{field}_kind" not in table.attrs or f"{field}_dtype" not in table.attrs:
            continue
        kind = arrow_name(_text(table.attrs[f"{field}_dtype"]))
        if _text(table.attrs.get(f"{field}_meta", b"")) == "category":
            kind = f"dictionary<indices={kind}>"
        for position, column in enumerate(_unpickled(table.attrs[f"{field}_kind"])):
            places[str(column)] = _Place(array=table, field=field, position=position, type=kind)
    ((_, order),) = _unpickled(group.attrs["non_index_axes"])
    return {str(column): places[str(column)] for column in order}


def _fixed_places(group: Any) -> dict[str, _Place]:
    places = {}
    for number in range(int(group.attrs["nblocks"])):
        array = group[f"block{number}_values"]
        for position, item in enumerate(group[f"block{number}_items"][()]):
            places[_text(item)] = _Place(
                array=array, field=None, position=position, type=_array_type(array)
            )
    return {_text(column): places[_text(column)] for column in group["axis0"][()]}


def _array_type(array: Any) -> str:
    kind = _text(array.attrs.get("value_type", b""))
    if kind:
        return arrow_name(kind)
    # PyTables keeps booleans as bit fields, which h5py reads as uint8.
    if array.id.get_type().get_class() == _H5T_BITFIELD:
        return "bool"
    return arrow_name(array.dtype.name)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


class _ListUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a list of columns")


def _unpickled(data: Any) -> Any:
    """Return a list of names, or of such lists. Raises UnpicklingError for anything else."""
    try:
        found = _ListUnpickler(io.BytesIO(bytes(data))).load()
    except _DAMAGED:
        raise pickle.UnpicklingError("a list of columns is damaged") from None
    if not isinstance(found, (list, tuple)):
        raise pickle.UnpicklingError("a list of columns is none")
    return found
