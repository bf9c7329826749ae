"""What a schema lost against the one before: tables, columns, periods, types, rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.documents.gates import AllowedChanges
    from pe_dvc.documents.manifest import Manifest

Loss = tuple[str | None, str, str]
"""The column, what became of it, and what was expected."""


def schema_losses(before: Manifest, after: Manifest, allowed: AllowedChanges) -> Iterator[Loss]:
    """Yield what is gone, and which columns are of another type."""
    gone = _periods(before) - _periods(after)
    for lost in sorted(gone - {str(period) for period in allowed.periods}):
        yield None, f"the period {lost} is gone", "all periods"
    now = _columns(after)
    # What an older pe_dvc described has no period.
    anywhere = {where: kind for (where, _), kind in reversed(now.items())}
    for (place, period), kind in _columns(before).items():
        if period in gone:
            continue
        found = now.get((place, period)) or now.get((place, None))
        found = anywhere.get(place) if period is None else found
        name, where = place.rpartition(".")[2], f"{place}/{period}" if period else place
        if found is None and name not in allowed.removed:
            yield where, "it is gone", f"a column of type {kind}"
        elif found not in (None, kind) and name not in allowed.retyped:
            yield where, f"its type is {found}", f"type {kind}"


def row_counts(before: Manifest, after: Manifest) -> Iterator[tuple[str, int, int]]:
    """Yield each table, by period where it has several: its rows now, and before."""
    tables = {table.name: table for table in after.table.tables}
    for was in before.table.tables:
        now = tables.get(was.name)
        if not was.periods or now is None or not now.periods:
            yield was.name, now.rows if now else 0, was.rows
            continue
        for period, count in was.periods.items():
            if period in now.periods:  # what is gone is among the losses
                name = was.name if len(was.periods) == 1 else f"{was.name}/{period}"
                yield name, now.periods[period], count


def _columns(manifest: Manifest) -> dict[tuple[str, str | None], str]:
    """Return the type of each column in each period."""
    return {
        (f"{table.name}.{column.name}", place.period): column.type
        for table in manifest.table.tables
        for column in table.columns
        for place in table.places_of(column)
    }


def _periods(manifest: Manifest) -> set[str]:
    own = {period for table in manifest.table.tables for period in table.periods}
    return own | ({manifest.table.period} if manifest.table.period else set())
