"""HDF5 files: tables of pandas' HDFStore, PolicyEngine core's layout, and any other array.

With ``hdf5_tree`` the only module that knows h5py. Shapes are read from the headers of arrays,
not from the arrays. What stands at each place of the file is told one by one: a table of pandas
beside core's arrays, or an array beside tables, takes nothing from the others.
"""

from __future__ import annotations

import errno
import pickle
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.tables.arrays import array_member
from pe_dvc.adapters.tables.core_layout import Variables, core_tables, variables_of
from pe_dvc.adapters.tables.hdf5_members import attributes_of, series_member
from pe_dvc.adapters.tables.hdf5_tree import check_readable, read_tree
from pe_dvc.adapters.tables.hdf5_values import array_values
from pe_dvc.adapters.tables.hdfstore import (
    FRAMES,
    ColumnPlace,
    Frame,
    is_own_part,
    pandas_type,
    read_frame,
)
from pe_dvc.adapters.tables.periods import PERIOD_NAMES, is_period, split_period
from pe_dvc.documents.manifest import Column, Member
from pe_dvc.documents.table_schema import FileShape, FoundTable
from pe_dvc.primitives.errors import FormatError, PeDvcError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pe_dvc.adapters.tables.data_file import Batch, DataFile
    from pe_dvc.adapters.tables.value_digest import Values
    from pe_dvc.documents.places import Place

DAMAGED = (
    *(ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError),
    *(TypeError, ValueError),
)
"""What h5py raises, and what is made of what it returns, where a file is damaged."""
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
_LOCKED = (errno.EAGAIN, errno.EACCES)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What is in a file: tables of pandas by name and period, core's variables, all else."""

    frames: dict[tuple[str, str | None], Any]
    variables: Variables
    arrays: dict[str, Any]
    members: list[Member]


def describe(file: DataFile) -> FileShape:
    """Return the shape of an HDF5 file.

    The declared keys tell core's layout which entity an array is of. Raises FormatError for a file
    that is not whole by itself or cannot be read here, NotFoundError for none.
    """
    with _open(file) as opened:
        layout = _layout(opened, file)
        frames = _frame_tables(layout.frames, file.label)
        core, unfit = _core(layout.variables, frames, file)
        others = [array_member(path, array) for path, array in layout.arrays.items()]
        members = (*layout.members, *others, *unfit)
    return FileShape(
        format="hdf5",
        tables=(*frames, *core),
        members=tuple(sorted(members, key=lambda member: member.name)),
        period=_period(members),
        needs_keys=bool(layout.variables) and not file.hints.keys,
    )


def read_columns(file: DataFile, places: Sequence[Place]) -> Iterator[Batch]:
    """Yield the values of some columns of a table, a batch of rows at a time.

    A place without a period is in the first one. Raises FormatError for a column that is not there.
    """
    with _open(file) as opened:
        layout = _layout(opened, file, skip="_i_table")
        found = [_column_place(layout, place, file.label) for place in places]
        columns = [place for place in found if place is not None]
        if len(columns) < len(places):
            return  # a table without rows
        for column, place in zip(columns, places, strict=True):
            check_readable(column.array, place.column, file.label)
            file.check_expansion(column.size)
        step = min(column.step for column in columns)
        for batch in zip(*(column.slices(step) for column in columns), strict=True):
            yield list(batch)


def values(file: DataFile, places: Sequence[Place]) -> Iterator[tuple[Place, Values]]:
    """Yield the values of columns in their canonical form, each with its place.

    Raises UnsupportedTypeError for values that have none.
    """
    with _open(file) as opened:
        layout, frames = _layout(opened, file, skip="_i_table"), dict[Any, Frame]()
        columns = {}
        for place in places:
            column = _column_place(layout, place, file.label, frames)
            if column is not None:
                check_readable(column.array, place.column, file.label)
                file.check_expansion(column.size)
                columns[place] = column
        yield from array_values(columns)


def _layout(opened: Any, file: DataFile, *, skip: str | None = None) -> Layout:
    """Tell of each object of a file what it is."""
    tree = read_tree(opened, file.label, skip=skip)
    members = [*tree.others, *attributes_of("", opened, file.rule)]
    frames, own = {}, set()
    for path, group in tree.groups.items():
        parent, _, name = path.rpartition("/")
        if parent in own or (parent in frames and is_own_part(name)):
            own.add(path)
            continue
        members += attributes_of(path, group, file.rule)
        kind = pandas_type(group)
        if kind is not None:
            frames[path] = kind
        elif tree.is_empty(path):
            members.append(Member(name=path, reason="an empty group"))
    for path, kind in frames.items():
        if kind not in FRAMES:
            members.append(series_member(path, tree.groups[path], kind, file))
    loose = {path: a for path, a in tree.arrays.items() if not _is_part(path, frames, own)}
    variables, arrays = variables_of(loose)
    tables = {path: tree.groups[path] for path, kind in frames.items() if kind in FRAMES}
    return Layout(frames=_by_period(tables), variables=variables, arrays=arrays, members=members)


def _is_part(path: str, frames: dict[str, str], own: set[str]) -> bool:
    parent, _, name = path.rpartition("/")
    return parent in own or (parent in frames and is_own_part(name))


def _by_period(tables: dict[str, Any]) -> dict[tuple[str, str | None], Any]:
    """Name tables by what they are of and their period, unless a table has that name already."""
    found: dict[tuple[str, str | None], Any] = {}
    for path, group in tables.items():
        name, period = split_period(path)
        key = (path, None) if name in tables or (name, period) in found else (name, period)
        found[key] = group
    return found


def _frame_tables(frames: dict[tuple[str, str | None], Any], label: str) -> tuple[FoundTable, ...]:
    by_name: dict[str, dict[str | None, Frame]] = {}
    for (name, period), group in frames.items():
        by_name.setdefault(name, {})[period] = read_frame(group, name, label)
    return tuple(_frame_table(name, by_name[name]) for name in sorted(by_name))


def _frame_table(name: str, frames: dict[str | None, Frame]) -> FoundTable:
    if None in frames:
        only = frames[None]
        return FoundTable(name=name, rows=only.rows, columns=only.columns)
    rows = {str(period): frames[period].rows for period in sorted(frames, key=str)}
    found: dict[tuple[str, str], list[str]] = {}
    for period in rows:
        for column in frames[period].columns:
            found.setdefault((column.name, column.type), []).append(period)
    columns = tuple(
        Column(name=column, type=kind, periods=None if own == list(rows) else tuple(own))
        for (column, kind), own in found.items()
    )
    return FoundTable(name=name, rows=next(iter(rows.values())), columns=columns, periods=rows)


def _core(
    variables: Variables, frames: Sequence[FoundTable], file: DataFile
) -> tuple[list[FoundTable], list[Member]]:
    """Return the tables that core's variables are, and the variables that are in none."""
    named = {table.name for table in frames}
    keys = {e: key for e, key in file.hints.keys.items() if e not in named}
    for entity, key in keys.items():
        if variables and not frames and key not in variables:
            raise FormatError(
                f"has no variable {key!r}, which is declared as the key of {entity}",
                where=file.label,
                remedy=f"Correct meta.pe.entities.{entity}.key in dvc.yaml.",
            )
    keys = {entity: key for entity, key in keys.items() if key in variables}
    if keys:
        return core_tables(variables, replace(file.hints, keys=keys), file.label)
    return [], [
        array_member(name if period is None else f"{name}/{period}", array)
        for name, arrays in variables.items()
        for period, array in arrays.items()
    ]


def _column_place(
    layout: Layout, place: Place, label: str, read: dict[Any, Frame] | None = None
) -> ColumnPlace | None:
    """Return where a column is, None if its table has no rows. ``read`` keeps tables' frames."""
    known = {} if read is None else read
    periods = sorted(p or "" for name, p in layout.frames if name == place.table)
    if periods:
        period = place.period or periods[0] or None
        if (place.table, period) in layout.frames:
            key = place.table, period
            if key not in known:
                known[key] = read_frame(layout.frames[key], place.table, label)
            return known[key].place(place.column, label)
    arrays = layout.variables.get(place.column, {})
    period = place.period or min(arrays, key=lambda p: p or "", default=None)
    if period not in arrays:
        said = "" if place.period is None else f" in the period {place.period}"
        raise FormatError(
            f"has no column {place.column!r}{said}",
            where=label,
            remedy="Name a column that is there.",
        )
    return ColumnPlace.of_array(arrays[period])


def _period(members: Sequence[Member]) -> str | None:
    """Return the period that the file says it is of, if it says one."""
    said = {str(member.value) for member in members if member.name in PERIOD_NAMES}
    periods = [text for text in said if is_period(text)]
    return periods[0] if len(periods) == 1 else None


@contextmanager
def _open(file: DataFile) -> Iterator[Any]:
    import h5py

    with suppress(ImportError):
        import hdf5plugin  # noqa: F401 - makes its filters known to HDF5

    try:
        with file.open(), _unlocked(h5py, file) as opened:
            yield opened
    except PeDvcError:
        raise
    except OSError as error:
        raise _os_fault(file, error) from None
    except (*DAMAGED, pickle.UnpicklingError) as error:
        raise file.incomplete("HDF5 file", error) from None


def _unlocked(h5py: Any, file: DataFile) -> Any:
    """Open a file to read it; on a file system without locks, without one."""
    try:
        return h5py.File(file.path, "r")
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return h5py.File(file.path, "r", locking=False)


def _os_fault(file: DataFile, fault: OSError) -> FormatError:
    if fault.errno in _LOCKED:
        return FormatError(
            "is open in another program, which may be writing to it",
            where=file.label,
            remedy="Close it there, as in a notebook that has it open, and run this again.",
        )
    if "already open for write" in str(fault):
        return FormatError(
            "was not closed by the program that wrote it: it was stopped, or is still writing",
            where=file.label,
            remedy="Wait for that program, or build the file again with `dvc repro`.",
        )
    return file.incomplete("HDF5 file", fault)
