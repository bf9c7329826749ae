"""PolicyEngine core's layout of HDF5: arrays of the length of their entity, for ``hdf5``.

A group per variable holds an array per period (``/age/2024``), or the array has no period
(``/age``). The lengths of the entities' keys tell which entity an array is of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.tables.arrays import array_member, arrow_type, is_column
from pe_dvc.adapters.tables.periods import is_period, period_of
from pe_dvc.documents.manifest import Column
from pe_dvc.documents.table_schema import FoundTable
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pe_dvc.documents.manifest import Member
    from pe_dvc.documents.table_schema import Hints

Variables = dict[str, dict[str | None, Any]]
"""The arrays of each variable, by period; under None where it has none."""


def variables_of(arrays: Mapping[str, Any]) -> tuple[Variables, dict[str, Any]]:
    """Return the variables among the arrays of a file, by their paths, and all other arrays."""
    variables: Variables = {}
    others = {}
    for path, array in arrays.items():
        name, _, last = path.partition("/")
        period = period_of(last) or None
        taken = period in variables.get(name, {})
        if is_column(array) and not taken and (period is None or is_period(period)):
            variables.setdefault(name, {})[period] = array
        else:
            others[path] = array
    return variables, others


def core_tables(
    variables: Variables, hints: Hints, label: str
) -> tuple[list[FoundTable], list[Member]]:
    """Return the table of each entity whose key is among the variables, and what fits none.

    Raises FormatError for a variable that may be of several entities.
    """
    rows = {e: _lengths(variables[key]) for e, key in hints.keys.items() if key in variables}
    found: dict[str, dict[tuple[str, str], list[str | None]]] = {entity: {} for entity in rows}
    members = []
    for name in sorted(variables):
        entity = _entity_of(name, _lengths(variables[name]), rows, hints, label)
        for period, array in sorted(variables[name].items(), key=lambda item: item[0] or ""):
            path = name if period is None else f"{name}/{period}"
            if entity is not None and _fits(len(array), period, rows[entity]):
                found[entity].setdefault((name, arrow_type(array)), []).append(period)
            else:
                members.append(array_member(path, array, _why(len(array), period, rows)))
    return [_table(entity, rows[entity], columns) for entity, columns in found.items()], members


Lengths = dict[str | None, int]


def _lengths(arrays: Mapping[str | None, Any]) -> Lengths:
    return {period: len(array) for period, array in arrays.items()}


def _rows_in(period: str | None, key: Lengths) -> int:
    """Return how many units there are in a period; keys are mostly saved for one only."""
    return key[period] if period in key else key[min(key, key=lambda p: p or "")]


def _fits(length: int, period: str | None, key: Lengths) -> bool:
    return length == _rows_in(period, key)


def _table(
    entity: str, key: Lengths, columns: Mapping[tuple[str, str], list[str | None]]
) -> FoundTable:
    periods = sorted({p for found in columns.values() for p in found if p is not None})
    own = {period: _rows_in(period, key) for period in periods}
    described = tuple(
        Column(name=name, type=kind, periods=_own_periods(found, periods))
        for (name, kind), found in columns.items()
    )
    rows = _rows_in(periods[0] if periods else None, key)
    return FoundTable(name=entity, rows=rows, columns=described, periods=own)


def _own_periods(found: list[str | None], periods: list[str]) -> tuple[str, ...] | None:
    own = [period for period in found if period is not None]
    return None if own == periods else tuple(own)


def _entity_of(
    name: str, lengths: Lengths, rows: Mapping[str, Lengths], hints: Hints, label: str
) -> str | None:
    declared = hints.columns.get(name)
    if declared in rows:
        return declared
    fitting = [
        entity
        for entity, key in rows.items()
        if any(_fits(length, period, key) for period, length in lengths.items())
    ]
    in_all = [e for e in fitting if all(_fits(n, p, rows[e]) for p, n in lengths.items())]
    fitting = in_all or fitting
    if len(fitting) <= 1:
        return fitting[0] if fitting else None
    # Entities that happen to be as many: the key and the variable's own name still tell.
    named = [e for e in fitting if hints.keys[e] == name or name.startswith(f"{e}_")]
    if len(named) == 1:
        return named[0]
    raise FormatError(
        f"cannot tell the entity of the variable {name!r}: it has {max(lengths.values())} values, "
        f"as many as {' and '.join(fitting)} have",
        where=label,
        remedy=f"Declare its entity in dvc.yaml: meta.pe.columns: {{{name}: <entity>}}.",
    )


def _why(length: int, period: str | None, rows: Mapping[str, Lengths]) -> str:
    counts = ", ".join(f"{entity} {_rows_in(period, key)}" for entity, key in rows.items())
    return f"{length} values, and the units are {counts}"
