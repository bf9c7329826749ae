"""The gates of promotion: what a nominated dataset is held to, and what it says if it fails.

Pure judgement; the numbers come from ``Data``, which streams the file
(``pe_dvc.adapters.tables.column_data``). A gate of another package is a callable of the same form,
published as an entry point in the group ``pe_dvc.gates``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from pe_dvc.documents.disclosure import GATED, Finding
from pe_dvc.documents.table_schema import Link, Place
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.usecases.channel.gate_failures import (
    Failure,
    ForeignFailures,
    not_so,
    orphaned,
    twice,
)

if TYPE_CHECKING:
    from pe_dvc.documents.disclosure import Count, Disclosure, Orphans, Repeated, Total, Value
    from pe_dvc.documents.gates import Gates
    from pe_dvc.documents.manifest import Entity, Manifest, Table


class Data(Protocol):
    """Numbers about the columns of one file, each by one pass or a few, in bounded memory.

    Gates compare them, and put them into a ``Finding``; their own text says nothing.
    """

    def nulls(self, place: Place) -> Count:
        """Return how many values are missing; what is not a number counts."""
        ...

    def repeated(self, place: Place) -> Repeated | None:
        """Return what occurs more than once, None if nothing does."""
        ...

    def orphans(self, link: Link) -> Orphans | None:
        """Return which rows name a key that is not there, None if none does."""
        ...

    def least(self, place: Place) -> Value | None:
        """Return the least value that is not missing, None for no rows."""
        ...

    def below(self, place: Place, bound: float, *, or_equal: bool = False) -> Count:
        """Return how many values are less than ``bound``, or equal to it if ``or_equal``."""
        ...

    def total(self, place: Place, weight: Place | None, link: Link | None) -> Total:
        """Return the sum, weighted where there is a weight; ``link`` leads to its table."""
        ...


@dataclass(frozen=True, kw_only=True)
class Nomination:
    """A dataset that is to be nominated, and the one that is in the channel now, if any.

    ``totals`` are the weighted totals that were signed with the one that is there now.
    """

    name: str
    gates: Gates
    before: Manifest | None
    after: Manifest
    totals: Mapping[str, float]
    data: Data
    rule: Disclosure = GATED
    """What may be said of the data."""
    measured: dict[str, Total] = field(default_factory=dict)
    """The totals of the nominated one, filled in by the gate."""


Gate = Callable[[Nomination, Any], Iterable[Failure]]
"""Judges a nomination, given the options of its declaration (of ``custom``, those of its name)."""


def judge(nomination: Nomination, custom: Mapping[str, Gate]) -> list[Failure | ForeignFailures]:
    """Return every failure of a nomination; ``custom`` are the gates of other packages.

    Raises NotFoundError for a custom gate that is not installed, FormatError for a declaration
    that names a column that is not there.
    """
    failures: list[Failure | ForeignFailures] = []
    for name, gate in BUILT_IN.items():
        option = getattr(nomination.gates, name)
        if option is not False and option is not None:
            failures += gate(nomination, option)
    for name, options in nomination.gates.custom.items():
        if name not in custom:
            raise NotFoundError(
                f"{nomination.name}: there is no gate {name!r} among those of the installed "
                f"packages ({', '.join(sorted(custom)) or 'none'})",
                remedy="Install the package that has it, or remove it from meta.pe.gates.custom.",
            )
        found = _ask(custom[name], name, nomination, options)
        if found:
            failures.append(ForeignFailures(dataset=nomination.name, gate=name, failures=found))
    return failures


def _ask(gate: Gate, name: str, nomination: Nomination, options: Any) -> tuple[Failure, ...]:
    """Return what a gate of another package finds. What it raises may hold values."""
    try:
        return tuple(gate(nomination, options))
    except Exception as error:
        if not nomination.rule.is_gated:
            raise
        kind = nomination.rule.reason(error)
    raise FormatError(
        f"the gate failed with {kind}; its message is not shown, as it may hold values",
        where=f"meta.pe.gates.custom.{name} of {nomination.name}",
        remedy="Ask those who wrote the gate, or remove it from the gates.",
    )


def columns(nomination: Nomination, meant: Any) -> Iterator[Failure]:
    """No column is lost, and none changes its type."""
    after = _columns(nomination.after)
    before = _columns(nomination.before) if nomination.before else {}
    for place, kind in before.items():
        found = after.get(place)
        name = place.rpartition(".")[2]
        if found is None and name not in meant.removed:
            yield _fail(nomination, "columns", place, "it is gone", f"a column of type {kind}")
        elif found not in (None, kind) and name not in meant.retyped:
            yield _fail(nomination, "columns", place, f"its type is {found}", f"type {kind}")


def rows(nomination: Nomination, tolerance: float) -> Iterator[Failure]:
    """The number of rows of each table moves within a tolerance."""
    if nomination.before is None:
        return
    after = {table.name: table.rows for table in nomination.after.table.tables}
    for table in nomination.before.table.tables:
        yield from _moved(
            nomination, "rows", table.name, after.get(table.name, 0), table.rows, tolerance
        )


def keys(nomination: Nomination, _: bool) -> Iterator[Failure]:
    """No key is null, and a table's own key is unique."""
    for name, entity in nomination.after.table.entities.items():
        table = _table_of(nomination, name)
        place = Place(table=table.name, column=entity.key)
        nulls = nomination.data.nulls(place)
        if nulls:
            yield _fail(nomination, "keys", entity.key, Finding.alike(nulls), "a key in every row")
        elif table.entity == name:
            found = nomination.data.repeated(place)
            if found is not None:
                yield _fail(nomination, "keys", entity.key, twice(found), "unique keys")


def references(nomination: Nomination, _: bool) -> Iterator[Failure]:
    """Every reference names a unit that is there."""
    for name, entity in nomination.after.table.entities.items():
        for other, column in entity.references.items():
            link = _link(nomination, name, entity, other)
            nulls = nomination.data.nulls(link.reference)
            orphans = None if nulls else nomination.data.orphans(link)
            if nulls or orphans is not None:
                value = Finding.alike(nulls) if orphans is None else orphaned(orphans, other)
                yield _fail(nomination, "references", column, value, f"a {other} for every {name}")


def weights(nomination: Nomination, bound: str) -> Iterator[Failure]:
    """Weights are positive, or at least not negative, and none is missing."""
    weight = nomination.after.table.weight
    if weight is None:
        return
    place = _place(nomination, weight)
    nulls = nomination.data.nulls(place)
    if nulls:
        yield _fail(nomination, "weights", weight, Finding.alike(nulls), "a weight in every row")
    rows = nomination.data.below(place, 0, or_equal=bound == "positive")
    if rows:
        value = not_so(rows, bound, nomination.data.least(place))
        yield _fail(nomination, "weights", weight, value, f"all {bound}")


def totals(nomination: Nomination, tolerances: Mapping[str, float]) -> Iterator[Failure]:
    """The weighted total of each column moves within its tolerance.

    A column that is named for the first time has nothing to be compared with.
    """
    weight = nomination.after.table.weight
    for column, tolerance in tolerances.items():
        place = _place(nomination, column)
        by = _place(nomination, weight) if weight not in (None, column) else None
        link = _link_to(nomination, place, by) if by and by.table != place.table else None
        total = nomination.data.total(place, by, link)
        nomination.measured[column] = total
        if nomination.rule.signed_total(total) is None:
            few = f"{nomination.rule.minimum_carriers} rows or more that add to it"
            yield _fail(nomination, "totals", column, Finding.alike(total), few)
        elif column in nomination.totals:
            before = nomination.totals[column]
            if total.has_moved(before, tolerance):
                bound = Finding(
                    public=(_range(before, tolerance),),
                    counts=(f"at most {tolerance:.4g} from the total in next",),
                )
                yield _fail(nomination, "totals", column, Finding.alike(total), bound)


BUILT_IN: dict[str, Gate] = {
    "columns": columns,
    "rows": rows,
    "keys": keys,
    "references": references,
    "weights": weights,
    "totals": totals,
}


def _fail(
    nomination: Nomination, gate: str, column: str, value: str | Finding, bound: str | Finding
) -> Failure:
    return Failure(dataset=nomination.name, gate=gate, column=column, value=value, bound=bound)


def _moved(
    nomination: Nomination, gate: str, column: str, now: float, was: float, tolerance: float
) -> Iterator[Failure]:
    if not abs(now - was) <= abs(was) * tolerance:
        yield _fail(nomination, gate, column, f"{now:,.6g}", _range(was, tolerance))


def _range(was: float, tolerance: float) -> str:
    slack = abs(was) * tolerance
    return f"{was - slack:,.6g} to {was + slack:,.6g} ({tolerance:.4g} of {was:,.6g})"


def _columns(manifest: Manifest) -> dict[str, str]:
    return {f"{t.name}.{c.name}": c.type for t in manifest.table.tables for c in t.columns}


def _table_of(nomination: Nomination, entity: str) -> Table:
    """Return an entity's own table, or the one of the rows in which its key stands."""
    tables = nomination.after.table.tables
    own = [table for table in tables if table.entity == entity]
    key = nomination.after.table.entities[entity].key
    return next(iter(own or [t for t in tables if any(c.name == key for c in t.columns)]))


def _place(nomination: Nomination, column: str) -> Place:
    for table in nomination.after.table.tables:
        if any(found.name == column for found in table.columns):
            return Place(table=table.name, column=column)
    raise FormatError(
        f"{nomination.name} has no column {column!r}",
        where=f"meta.pe.gates of {nomination.name}",
        remedy="Correct the name, or remove it from the gates.",
    )


def _link(nomination: Nomination, name: str, entity: Entity, other: str) -> Link:
    key = Place(
        table=_table_of(nomination, other).name,
        column=nomination.after.table.entities[other].key,
    )
    table = _table_of(nomination, name).name
    return Link(reference=Place(table=table, column=entity.references[other]), key=key)


def _link_to(nomination: Nomination, place: Place, weight: Place) -> Link:
    """Return how the rows of a column find their weight in another table."""
    entities = nomination.after.table.entities
    by_table = {table.name: table.entity for table in nomination.after.table.tables}
    name, other = by_table[place.table], by_table[weight.table]
    if other not in entities[name].references:
        raise FormatError(
            f"{place.column} is of {name} and the weight {weight.column} of {other}, and no "
            "reference leads from one to the other",
            where=f"meta.pe.entities.{name}.references of {nomination.name}",
            remedy=f"Declare the column of {name} that holds its {other}.",
        )
    return _link(nomination, name, entities[name], other)
