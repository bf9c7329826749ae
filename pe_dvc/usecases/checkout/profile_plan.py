"""What is profiled of an artifact: which columns, in which periods, and by which weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.profile_plan import ColumnPlan, TablePlan
from pe_dvc.primitives.errors import FormatError
from pe_dvc.usecases.channel.gate_places import in_period, link_to

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.documents.manifest import Contents, Table
    from pe_dvc.documents.places import Link, Place


def plan_profile(contents: Contents) -> list[TablePlan]:
    """Return the plan of each table in each period."""
    plans = []
    for table in contents.tables:
        periods: list[str | None] = [*table.periods] or [None]
        plans += [_table_plan(contents, table, period) for period in periods]
    return [plan for plan in plans if plan.columns]


def _table_plan(contents: Contents, table: Table, period: str | None) -> TablePlan:
    columns = tuple(_columns(contents, table, period))
    weight, link = _weight(contents, [column.place for column in columns])
    return TablePlan(
        name=table.name,
        entity=table.entity,
        period=period,
        rows=table.periods.get(period, table.rows) if period else table.rows,
        columns=columns,
        weight=weight,
        link=link,
        via=_entity_of(contents, weight.table) if weight and link else None,
    )


def _columns(contents: Contents, table: Table, period: str | None) -> Iterator[ColumnPlan]:
    entities = contents.entities.values()
    keys = {entity.key for entity in entities}
    keys |= {column for entity in entities for column in entity.references.values()}
    for column in table.columns:
        for place in table.places_of(column):
            if place.period == period:
                is_key = column.name in keys
                yield ColumnPlan(place=place, entity=column.entity, is_key=is_key)


def _weight(contents: Contents, places: list[Place]) -> tuple[Place | None, Link | None]:
    """Return where the weight of these rows is, and how they find it; None where they have none."""
    name = contents.weight
    if name is None or not places:
        return None, None
    found = next((own for table in contents.tables if (own := table.places(name))), None)
    if found is None:
        return None, None
    try:
        weight = in_period(found, places[0].period)
        if weight.table == places[0].table:
            return weight, None
        return weight, link_to(contents, places[0], weight, name="")
    except (FormatError, KeyError):  # no reference leads to the entity that is weighted
        return None, None


def _entity_of(contents: Contents, table: str) -> str | None:
    return next(one.entity for one in contents.tables if one.name == table)
