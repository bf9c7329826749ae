"""HDF5 files: PolicyEngine core's layout and the tables of a pandas HDFStore.

The only module that knows h5py. Shapes are read from the headers of arrays, not from the arrays.

- core's layout: a group per variable holding an array per period (``/age/2024``), or the array
  itself. Arrays have the length of their entity, which the lengths of the entities' keys tell.
- HDFStore: a group per table, of ``format="table"`` or ``"fixed"``; a table is an entity.
"""

from __future__ import annotations

import pickle
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.tables.faults import incomplete, not_unique, null_key
from pe_dvc.adapters.tables.hdfstore import arrow_name, hdfstore_key, hdfstore_table, is_hdfstore
from pe_dvc.documents.disclosure import GATED, Count, Disclosure
from pe_dvc.documents.manifest import Column
from pe_dvc.documents.table_schema import FileShape, FoundTable
from pe_dvc.primitives.errors import FormatError, NotFoundError, PeDvcError
from pe_dvc.primitives.printable import brief

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_BATCH_ROWS = 1024 * 1024
_DAMAGED = (ArithmeticError, AttributeError, LookupError, MemoryError, OSError, RuntimeError)
"""What h5py raises, and what is made of what it returns, where a file is damaged."""


def describe(
    path: Path,
    *,
    keys: Mapping[str, str],
    columns: Mapping[str, str],
    name: str | None = None,
    rule: Disclosure = GATED,
) -> FileShape:
    """Return the shape of an HDF5 file.

    ``keys`` gives each declared entity's key variable and ``columns`` the entity of variables
    that were declared one by one; core's layout needs both. ``name`` is what messages call the
    file. Raises FormatError for what is neither layout, NotFoundError for no file.
    """
    label = name or str(path)
    with _open(path, label, rule) as file:
        if is_hdfstore(file):
            tables = tuple(hdfstore_table(file[group], group, label) for group in sorted(file))
        else:
            tables = _core_tables(_variables(file, label), keys, columns, label)
    return FileShape(format="hdf5", tables=tables)


def check_key(
    path: Path,
    table: str,
    key: str,
    *,
    where: str,
    name: str | None = None,
    rule: Disclosure = GATED,
) -> None:
    """Check that the key of a table has no null and no value twice. Raises FormatError."""
    from pe_dvc.adapters.tables.duplicates import find_repeated

    label = name or str(path)
    with _open(path, label, rule) as file:
        if is_hdfstore(file):
            read, rows = hdfstore_key(file[table], table, key, label)
        else:
            array = _variables(file, label)[key]
            read, rows = _slices(array), array.shape[0]

        def values() -> Iterator[NDArray[Any]]:
            for batch in read():
                if _nulls(batch):
                    count = Count(sum(_nulls(every) for every in read()), "row", of=rows)
                    remedy = "Give every unit a key, or name another variable."
                    raise null_key(count, key, label=label, where=where, remedy=remedy, rule=rule)
                yield batch

        found = find_repeated(values, rows)
    if found is not None:
        remedy = "Name the variable that tells one unit from another, or fix the data."
        raise not_unique(found, key, label=label, where=where, remedy=remedy, rule=rule)


def read_columns(
    path: Path,
    table: str,
    columns: Sequence[str],
    *,
    name: str | None = None,
    rule: Disclosure = GATED,
) -> Iterator[list[NDArray[Any]]]:
    """Yield the values of some columns of a table, a batch of rows at a time.

    Of a variable with several periods it is the first. Raises FormatError for a column that is
    not there.
    """
    label = name or str(path)
    with _open(path, label, rule) as file:
        if is_hdfstore(file):
            reads = [hdfstore_key(file[table], table, column, label)[0] for column in columns]
        else:
            variables = _variables(file, label)
            reads = [_slices(variables[column]) for column in columns]
        for batch in zip(*(read() for read in reads), strict=True):
            yield list(batch)


def _slices(array: Any) -> Any:
    def read() -> Iterator[NDArray[Any]]:
        for start in range(0, array.shape[0], _BATCH_ROWS):
            yield array[start : start + _BATCH_ROWS]

    return read


def _nulls(values: NDArray[Any]) -> int:
    return int((values != values).sum()) if values.dtype.kind == "f" else 0


def _variables(file: Any, label: str) -> dict[str, Any]:
    """Return each variable's array; of several periods the first, as all are of one entity."""
    import h5py

    found = {}
    for name, item in file.items():
        if isinstance(item, h5py.Group):
            periods = sorted(period for period in item if isinstance(item[period], h5py.Dataset))
            if not periods:
                continue
            _check_periods(name, [item[period] for period in periods], label)
            item = item[periods[0]]
        if len(item.shape) == 1:
            found[name] = item
    if not found:
        raise FormatError(
            "holds neither variables of PolicyEngine's layout nor tables of pandas",
            where=label,
            remedy="Save it with Dataset.save of policyengine-core or DataFrame.to_hdf.",
        )
    return found


def _check_periods(name: str, arrays: list[Any], label: str) -> None:
    lengths = {array.shape for array in arrays}
    if len(lengths) > 1:
        raise FormatError(
            f"the variable {name!r} has arrays of different lengths: {sorted(lengths)}",
            where=label,
            remedy="Build it again: every period of a variable has one value for each unit.",
        )


def _core_tables(
    variables: dict[str, Any], keys: Mapping[str, str], columns: Mapping[str, str], label: str
) -> tuple[FoundTable, ...]:
    rows = {entity: _length(variables, key, entity, label) for entity, key in keys.items()}
    members: dict[str, list[Column]] = {entity: [] for entity in keys}
    for name in sorted(variables):
        entity = columns.get(name) or _entity_of(name, variables[name].shape[0], rows, keys, label)
        column = Column(name=name, type=_type(variables[name]))
        members[entity].append(column)
    return tuple(
        FoundTable(name=entity, rows=rows[entity], columns=tuple(found))
        for entity, found in members.items()
    )


def _length(variables: dict[str, Any], key: str, entity: str, label: str) -> int:
    if key not in variables:
        raise FormatError(
            f"has no variable {key!r}, which is declared as the key of {entity}",
            where=label,
            remedy=f"Correct meta.pe.entities.{entity}.key in dvc.yaml.",
        )
    return int(variables[key].shape[0])


def _entity_of(
    name: str, length: int, rows: Mapping[str, int], keys: Mapping[str, str], label: str
) -> str:
    fitting = [entity for entity, count in rows.items() if count == length]
    if len(fitting) == 1:
        return fitting[0]
    # Entities that happen to be as many: the key and the variable's own name still tell.
    named = [e for e in fitting if keys[e] == name or name.startswith(f"{e}_")]
    if len(named) == 1:
        return named[0]
    counts = ", ".join(f"{entity} {count}" for entity, count in rows.items())
    whose = f"as many as {' and '.join(fitting)} have" if fitting else f"and the units are {counts}"
    raise FormatError(
        f"cannot tell the entity of the variable {name!r}: it has {length} values, {whose}",
        where=label,
        remedy=f"Declare its entity in dvc.yaml: meta.pe.columns: {{{name}: <entity>}}.",
    )


def _type(array: Any) -> str:
    return "string" if array.dtype.kind in "SOU" else arrow_name(array.dtype.name)


def _refuse_links(file: Any, label: str) -> None:
    """Refuse what would read other files of this machine: an HDF5 file may name any."""
    import h5py

    groups = [file]
    while groups:
        group = groups.pop()
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise _points_elsewhere(name, label)
            item = group[name]
            if isinstance(item, h5py.Dataset) and (item.external or item.is_virtual):
                raise _points_elsewhere(name, label)
            if isinstance(item, h5py.Group) and group is file:
                groups.append(item)


def _points_elsewhere(name: str, label: str) -> FormatError:
    return FormatError(
        f"{brief(repr(name))} is a link, or has its values in another file",
        where=label,
        remedy="Save all values in the file itself.",
    )


@contextmanager
def _open(path: Path, label: str, rule: Disclosure) -> Iterator[Any]:
    import h5py

    if not path.is_file():
        raise NotFoundError(f"{label} is not there", remedy="Run `dvc pull` or `dvc repro`.")
    try:
        with h5py.File(path, "r") as file:
            _refuse_links(file, label)
            yield file
    except PeDvcError:
        raise
    except (*_DAMAGED, TypeError, ValueError, pickle.UnpicklingError) as error:
        raise incomplete("HDF5 file", error, label=label, rule=rule) from None
