"""What an HDF5 file holds beside tables and arrays: series of pandas, and attributes of groups."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from pe_dvc.adapters.tables.hdf5_tree import check_readable
from pe_dvc.adapters.tables.hdfstore import SERIES, read_frame
from pe_dvc.adapters.tables.periods import PERIOD_NAMES, is_period, split_period
from pe_dvc.adapters.tables.plain_pickle import unpickled_items
from pe_dvc.documents.manifest import Member
from pe_dvc.primitives.printable import brief

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.adapters.tables.data_file import DataFile
    from pe_dvc.documents.disclosure import Disclosure

    Plain = str | int | float | bool | None

_LONGEST = 1024
"""Bytes of the longest text that a description repeats."""
_OF_LIBRARIES = re.compile(
    r"CLASS|TITLE|VERSION|PYTABLES_FORMAT_VERSION|FILTERS|DIRTY|auto_index|ROOT_UEP"
    r"|pandas_(?:type|version)|encoding|errors|(?:index|values)_cols|non_index_axes|data_columns"
    r"|(?:data_col_|mi_level_)?nan_rep|info|levels|table_type|name|nblocks|ndim"
    r"|(?:axis\d+|block\d+_items|index)_(?:variety|nlevels)"
)
_NONE = (b"N.", "N.")
"""None, pickled: pandas writes it for what was not given."""


def series_member(path: str, group: Any, kind: str, file: DataFile) -> Member:
    """Return what is said of a series of pandas, or of what else pandas may have put there."""
    name = split_period(path)[0]
    if kind not in SERIES:
        return Member(name=path, reason=f"a {brief(kind)} of pandas")
    frame = read_frame(group, name, file.label)
    place = next(iter(frame.places.values()), None)
    if place is None:
        return Member(name=path, reason="a series of pandas without values")
    column = [*frame.places.values()][-1]
    value, reason = None, None
    if frame.rows == 1:
        check_readable(column.array, path, file.label)
        value = _first(column, name)
        if not _may_be_said(value, name, file.rule):
            value = None
    if column.array.shape[:1] != (frame.rows,) and value is None:
        reason = "text in the format 'fixed', which is pickled"
    return Member(name=path, type=column.type, shape=(frame.rows,), value=value, reason=reason)


def _first(column: Any, name: str) -> Plain:
    (raw,) = next(iter(column.slices(1)), [None])
    if isinstance(raw, np.ndarray):  # pickled objects: of these only a period is looked for
        said = unpickled_items(raw.tobytes())
        return _plain(said[0]) if name in PERIOD_NAMES and len(said) == 1 else None
    return _plain(raw)


def _plain(raw: Any) -> Plain:
    value = raw.item() if isinstance(raw, np.generic) else raw
    if isinstance(value, bytes):
        value = value.decode(errors="backslashreplace")
    if isinstance(value, float) and value - value != 0:
        return None
    if isinstance(value, int) and abs(value) >= 2**53:
        return str(value)
    return value if isinstance(value, (str, int, float)) else None


def _may_be_said(value: Plain, name: str, rule: Disclosure) -> bool:
    """Tell whether a value is the file's period; or short, of a public country."""
    if name in PERIOD_NAMES and is_period(str(value)):
        return True
    return not rule.is_gated and len(str(value)) <= _LONGEST


def attributes_of(path: str, group: Any, rule: Disclosure) -> Iterator[Member]:
    """Yield the attributes of a group that are neither pandas' nor PyTables' own."""
    for name in group.attrs:
        if _OF_LIBRARIES.fullmatch(name):
            continue
        attribute = group.attrs.get_id(name)
        value, reason = None, None
        if attribute.shape == () and attribute.get_storage_size() <= _LONGEST:
            raw = group.attrs[name]
            if raw in _NONE:
                continue
            is_pickle = isinstance(raw, bytes) and raw[:1] == b"(" and raw[-1:] == b"."
            reason = "a pickled object of Python" if is_pickle else None
            value = _plain(raw) if not reason and _may_be_said(_plain(raw), name, rule) else None
        yield Member(
            name=f"{path}/@{name}" if path else f"@{name}",
            type=brief(str(attribute.dtype)),
            shape=attribute.shape,
            value=value,
            reason=reason,
        )
