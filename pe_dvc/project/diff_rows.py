"""Which tables of two files are compared row by row, and by which key and weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.adapters.tables.data_file import DataFile
from pe_dvc.adapters.tables.row_diff import compare_rows
from pe_dvc.adapters.tables.row_sides import Rows, WeightTable
from pe_dvc.documents.row_changes import RowChanges
from pe_dvc.project.diff_files import hints_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pe_dvc.documents.diff import Described
    from pe_dvc.documents.disclosure import Disclosure
    from pe_dvc.documents.manifest import Contents, Table

Read = tuple["Described", "Path"]
"""A dataset, and its file."""


def compare_all_rows(
    before: Read, after: Read, rule: Disclosure, *, key: str | None
) -> tuple[RowChanges, ...]:
    """Return how the rows differ of each table that both have, in each period of both."""
    return tuple(_all(before, after, rule, key))


def _all(before: Read, after: Read, rule: Disclosure, key: str | None) -> Iterator[RowChanges]:
    was = {table.name: table for table in before[0].contents.tables}
    for table in after[0].contents.tables:
        if table.name not in was:
            continue
        columns = _key_of(after[0].contents, table, key), _key_of(before[0].contents, table, key)
        if columns[0] is None or columns[0] != columns[1]:
            yield RowChanges(table=table.name, reason=_no_key(columns))
            continue
        for period in _periods(was[table.name], table):
            one = _rows(before, was[table.name], columns[0], period, rule)
            other = _rows(after, table, columns[0], period, rule)
            yield compare_rows(one, other, rule)


def _no_key(columns: tuple[str | None, str | None]) -> str:
    if None in columns:
        return "no key of its rows is declared (--key COLUMN)"
    return f"its key is {columns[0]} after, and {columns[1]} before"


def _key_of(contents: Contents, table: Table, key: str | None) -> str | None:
    entity = contents.entities.get(table.entity or "")
    wanted = key or (entity.key if entity else None)
    return wanted if any(column.name == wanted for column in table.columns) else None


def _periods(was: Table, now: Table) -> list[str | None]:
    if not was.periods and not now.periods:
        return [None]
    return [period for period in now.periods if period in was.periods]


def _rows(read: Read, table: Table, key: str, period: str | None, rule: Disclosure) -> Rows:
    described, path = read
    contents = described.contents
    hints = hints_of(contents)
    weight, place = _weight(contents, table)
    return Rows(
        file=DataFile(path=path, label=described.label, rule=rule, hints=hints),
        kind=contents.format,
        table=table.name,
        key=key,
        columns=tuple(column.name for column in table.columns if column.is_in(period)),
        period=period,
        weight=weight,
        weight_table=place,
    )


def _weight(contents: Contents, table: Table) -> tuple[str | None, WeightTable | None]:
    """Return the weight of a table's rows: its own, or that of an entity which it refers to."""
    weight = contents.weight
    if weight is None or any(column.name == weight for column in table.columns):
        return weight, None
    entity = contents.entities.get(table.entity or "")
    for other in contents.tables:
        has = any(column.name == weight for column in other.columns)
        reference = entity.references.get(other.entity or "") if entity and has else None
        if reference is not None:
            key = contents.entities[other.entity or ""].key
            return weight, WeightTable(table=other.name, reference=reference, key=key)
    return None, None
