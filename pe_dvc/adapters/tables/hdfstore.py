"""Tables as pandas' HDFStore lays them out in an HDF5 file, for ``hdf5``.

``format="table"`` is one array of records, columns of one type packed into one field; ``"fixed"``
is one array for all columns of a type. Lists of column names are pickles (``plain_pickle``).
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import numpy as np

from pe_dvc.adapters.tables.arrays import arrow_name, arrow_type
from pe_dvc.adapters.tables.hdf5_tree import check_readable
from pe_dvc.adapters.tables.plain_pickle import unpickled, unpickled_items
from pe_dvc.documents.manifest import Column
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

FRAMES = ("frame", "frame_table")
SERIES = ("series", "series_table")
"""What ``pandas_type`` calls data frames, and series."""

_H5T_BITFIELD = 4
_BATCH_BYTES = 64 * 1024 * 1024
_BATCH_ROWS = 1024 * 1024
_OWN = re.compile(
    r"table|meta|_i_table|values|index|(?:axis\d+|index|block\d+_items)(?:_(?:level|label)\d+)?"
    r"|block\d+_values"
)


def is_own_part(name: str) -> bool:
    """Tell whether pandas' own arrays have this name in the group of a table."""
    return _OWN.fullmatch(name) is not None


def pandas_type(group: Any) -> str | None:
    """Return what pandas says that a group is, such as ``frame_table``; None for no group of it."""
    return _text(group.attrs["pandas_type"]) if "pandas_type" in group.attrs else None


@dataclass(frozen=True, kw_only=True)
class ColumnPlace:
    """Where a column lies: the array, the field of its records or None, the position there.

    ``levels`` are the values that the array holds the positions of, as in an index of many levels;
    ``categories`` is the group of those of a categorical column. Texts are in ``encoding``, and
    ``missing_text`` is what stands for a missing one.
    """

    array: Any
    type: str
    field: str | None = None
    position: int | None = None
    levels: Any = None
    categories: Any = None
    encoding: str = "utf-8"
    missing_text: bytes | None = None

    @classmethod
    def of_array(cls, array: Any) -> ColumnPlace:
        """Return the place of a column that is a whole array."""
        return cls(array=array, type=arrow_type(array))

    @property
    def size(self) -> int:
        """The bytes that the array says it has."""
        return int(np.prod(self.array.shape, dtype=object)) * int(self.array.dtype.itemsize)

    @property
    def step(self) -> int:
        """Rows of a batch: records and packed columns are unpacked whole, so fewer if long."""
        row = self.size // max(1, self.array.shape[0]) or 1
        return max(1, min(_BATCH_ROWS, _BATCH_BYTES // row))

    def slices(self, step: int) -> Iterator[NDArray[Any]]:
        """Yield the values, ``step`` rows at a time."""
        for start in range(0, self.array.shape[0], step):
            yield self._batch(slice(start, start + step))

    def of_block(self, block: NDArray[Any]) -> NDArray[Any]:
        """Return the column's values in some rows of its whole array."""
        if self.field is not None:
            values: NDArray[Any] = block[self.field]
            return values if values.ndim == 1 else values[:, self.position or 0]
        if block.ndim > 1:
            return block[:, self.position or 0]
        return block if self.levels is None else np.asarray(self.levels[()])[block]

    def _batch(self, rows: slice) -> NDArray[Any]:
        if self.field is not None:
            values = np.asarray(self.array.fields(self.field)[rows])
            return values if values.ndim == 1 else values[:, self.position or 0]
        if len(self.array.shape) > 1:
            return np.asarray(self.array[rows, self.position or 0])
        values = np.asarray(self.array[rows])
        return values if self.levels is None else np.asarray(self.levels[()])[values]


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A data frame in a file: its length, and where each column is, its named index first."""

    name: str
    rows: int
    places: dict[str, ColumnPlace]

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns as a manifest has them."""
        return tuple(Column(name=name, type=place.type) for name, place in self.places.items())

    def place(self, column: str, label: str) -> ColumnPlace | None:
        """Return where a column is, None in a table without rows. Raises FormatError."""
        if column not in self.places:
            raise FormatError(
                f"the table {self.name!r} has no column {column!r}",
                where=label,
                remedy="Name a column that is there.",
            )
        place = self.places[column]
        if self.rows and place.array.shape[0] != self.rows:
            raise FormatError(
                f"the column {column!r} of {self.name!r} is text in the format 'fixed'",
                where=label,
                remedy='Save the table with to_hdf(format="table"), or use a column of numbers.',
            )
        return place if self.rows else None


def read_frame(group: Any, name: str, label: str) -> Frame:
    """Return the frame, or the series, that pandas keeps in a group."""
    encoding = _encoding(group)
    if pandas_type(group) in ("frame_table", "series_table"):
        table = group["table"]
        places = {**_table_index(table, group, encoding), **_table_places(table, group, encoding)}
        return Frame(name=name, rows=int(table.shape[0]), places=places)
    if pandas_type(group) == "series":
        values = group["values"]
        place = ColumnPlace(array=values, type=_array_type(values))
        return Frame(name=name, rows=_length(group, "index"), places={"values": place})
    for part in group:
        if part.startswith(("axis", "block")) and not part.endswith("_values"):
            check_readable(group[part], f"{name}/{part}", label)
    places = {**_fixed_index(group, encoding), **_fixed_places(group, encoding)}
    return Frame(name=name, rows=_length(group, "axis1"), places=places)


def _length(group: Any, axis: str) -> int:
    array = group[axis] if axis in group else group[f"{axis}_label0"]
    # An empty array lies there as one of a single element, with its true shape beside it.
    shape = unpickled(array.attrs["shape"], tuple) if "shape" in array.attrs else array.shape
    return int(shape[0])


def _table_places(table: Any, group: Any, encoding: str) -> dict[str, ColumnPlace]:
    places = {}
    for field in table.dtype.names:
        if f"{field}_kind" not in table.attrs or f"{field}_dtype" not in table.attrs:
            continue
        kind = arrow_name(_text(table.attrs[f"{field}_dtype"]))
        if _text(table.attrs.get(f"{field}_meta", b"")) == "category":
            kind = f"dictionary<indices={kind}>"
        for position, column in enumerate(unpickled(table.attrs[f"{field}_kind"], list, tuple)):
            name = _column_name(column, encoding)
            places[name] = ColumnPlace(
                array=table,
                field=field,
                position=position,
                type=kind,
                categories=group.get(f"meta/{field}/meta"),
                encoding=encoding,
                missing_text=_missing_text(field, table, group),
            )
    ((_, order),) = unpickled(group.attrs["non_index_axes"], list, tuple)
    return {name: places[name] for name in (_column_name(c, encoding) for c in order)}


def _missing_text(field: str, table: Any, group: Any) -> bytes:
    """Return the text that pandas wrote for a missing one in a field of a table."""
    own = table.attrs.get(f"{field}_nan_rep", group.attrs.get("nan_rep", b"N."))
    return b"nan" if own == b"N." else bytes(own)  # "N." is None, pickled


def _table_index(table: Any, group: Any, encoding: str) -> dict[str, ColumnPlace]:
    """Return the index as a column, where it has a name: a key may be saved as one."""
    try:
        info = unpickled(group.attrs.get("info", b""), dict)
    except UnpicklingError:
        return {}  # it describes a time zone or the like, by a class
    named = info.get("index")
    name = named.get("index_name") if isinstance(named, dict) else None
    if name is None or "index" not in table.dtype.names:
        return {}
    kind = table.dtype["index"]
    dtype = "string" if kind.kind == "S" else arrow_name(kind.name)
    place = ColumnPlace(array=table, field="index", position=0, type=dtype)
    return {_column_name(name, encoding): place}


def _fixed_index(group: Any, encoding: str) -> dict[str, ColumnPlace]:
    if "axis1" in group:
        return _named(group["axis1"], None, encoding)
    found: dict[str, ColumnPlace] = {}
    for number in range(int(group.attrs["axis1_nlevels"])):
        found |= _named(group[f"axis1_level{number}"], group[f"axis1_label{number}"], encoding)
    return found


def _named(values: Any, codes: Any, encoding: str) -> dict[str, ColumnPlace]:
    raw = values.attrs.get("name", b"N.")
    name = _text(raw, encoding)
    if name in ("N.", "") or name.endswith("\n."):  # pickled: None, or no plain text
        return {}
    kind = _array_type(values)
    if codes is None:
        return {name: ColumnPlace(array=values, type=kind)}
    return {name: ColumnPlace(array=codes, type=kind, levels=values)}


def _fixed_places(group: Any, encoding: str) -> dict[str, ColumnPlace]:
    places = {}
    for number in range(int(group.attrs["nblocks"])):
        array = group[f"block{number}_values"]
        kind = _array_type(array)
        for position, name in enumerate(_axis(group, f"block{number}_items", encoding)):
            places[name] = ColumnPlace(array=array, field=None, position=position, type=kind)
    return {name: places[name] for name in _axis(group, "axis0", encoding)}


def _axis(group: Any, axis: str, encoding: str) -> list[str]:
    """Return the names along an axis; those of several levels are joined by slashes."""
    if axis in group:
        array = group[axis]
        if "shape" in array.attrs and not all(unpickled(array.attrs["shape"], tuple)):
            return []
        items = array[()]
        if array.dtype.kind == "O":  # names that are not all texts are pickled, as one value
            items = unpickled_items(items[0].tobytes()) if len(items) else ()
        return [_column_name(item, encoding) for item in items]
    levels = int(group.attrs[f"{axis}_nlevels"])
    names = []
    for number in range(levels):
        values = group[f"{axis}_level{number}"][()]
        codes = group[f"{axis}_label{number}"][()]
        names.append([_column_name(values[code], encoding) for code in codes])
    return ["/".join(parts) for parts in zip(*names, strict=True)]


def _array_type(array: Any) -> str:
    kind = _text(array.attrs.get("value_type", b""))
    if kind:
        return arrow_name(kind)
    # PyTables keeps booleans as bit fields, which h5py reads as uint8.
    if array.id.get_type().get_class() == _H5T_BITFIELD:
        return "bool"
    return arrow_name(array.dtype.name)


def _column_name(value: Any, encoding: str) -> str:
    if isinstance(value, tuple):
        return "/".join(_column_name(part, encoding) for part in value)
    return _text(value, encoding)


def _encoding(group: Any) -> str:
    name = _text(group.attrs.get("encoding", b"utf-8"))
    try:
        codecs.lookup(name)
        b"a".decode(name)
    except (LookupError, ValueError):
        return "utf-8"
    return name


def _text(value: Any, encoding: str = "utf-8") -> str:
    if not isinstance(value, bytes):
        return str(value)
    return value.decode(encoding, errors="backslashreplace")
