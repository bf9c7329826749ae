"""Where the values are that gates ask about: in which table, and in every period of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.places import Link, Place
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pe_dvc.documents.manifest import Contents, Entity, Manifest, Table

TIMELESS = "ETERNITY"
"""The period of what is the same in all of them."""


def places_of(manifest: Manifest, column: str) -> list[Place]:
    """Return where a column is, one place for each period. Raises FormatError for none."""
    for table in manifest.table.tables:
        if places := table.places(column):
            return places
    name = manifest.artifact.name
    raise FormatError(
        f"{name} has no column {column!r}",
        where=f"meta.pe.gates of {name}",
        remedy="Correct the name, or remove it from the gates.",
    )


def named(place: Place, places: Sequence[Place]) -> str:
    """Return what a failure calls one of the places of a column: with its period, if several."""
    return f"{place.column}/{place.period}" if len(places) > 1 else place.column


def key_places(contents: Contents, entity: str) -> list[Place]:
    """Return where the key of an entity is: in its own table, or in that of the rows."""
    return table_of(contents, entity).places(contents.entities[entity].key)


def reference_places(contents: Contents, entity: str, other: str) -> list[Place]:
    """Return where an entity says to which unit of another one it belongs."""
    column = contents.entities[entity].references[other]
    return table_of(contents, entity).places(column)


def in_period(places: Sequence[Place], period: str | None) -> Place:
    """Return which of a column's places counts in a period.

    Where it is not saved for the period: what is so in every period, else what is saved for the
    last one before, as PolicyEngine's core takes it, else the first.
    """
    by_period = {place.period or "": place for place in places}
    earlier = [p for p in sorted(by_period) if p != TIMELESS and p < (period or "")]
    for choice in (period or "", TIMELESS, "", *earlier[-1:]):
        if choice in by_period:
            return by_period[choice]
    return by_period[min(by_period)]


def table_of(contents: Contents, entity: str) -> Table:
    """Return an entity's own table, or the one of the rows in which its key stands."""
    tables = contents.tables
    own = [table for table in tables if table.entity == entity]
    key = contents.entities[entity].key
    return next(iter(own or [t for t in tables if any(c.name == key for c in t.columns)]))


def link_to(contents: Contents, place: Place, weight: Place, *, name: str) -> Link:
    """Return how the rows of a column find their weight in another table. Raises FormatError.

    ``name`` is what the dataset is called.
    """
    entities: Mapping[str, Entity] = contents.entities
    by_table = {table.name: table.entity for table in contents.tables}
    entity, other = by_table[place.table], by_table[weight.table]
    if entity is None or other is None or other not in entities[entity].references:
        raise FormatError(
            f"{place.column} is of {entity} and the weight {weight.column} of {other}, and no "
            "reference leads from one to the other",
            where=f"meta.pe.entities.{entity}.references of {name}",
            remedy=f"Declare the column of {entity} that holds its {other}.",
        )
    return Link(
        reference=in_period(reference_places(contents, entity, other), place.period),
        key=in_period(key_places(contents, other), place.period),
    )
