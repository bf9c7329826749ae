"""The gates of promotion: what a nominated dataset is held to, and what it says if it fails.

Pure judgement; the numbers come from ``Data``, which streams the file
(``pe_dvc.adapters.tables.column_data``). A gate of another package is a callable of the same form,
published as an entry point in the group ``pe_dvc.gates``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from pe_dvc.documents.table_schema import Link, Place
from pe_dvc.primitives.errors import FormatError, NotFoundError

if TYPE_CHECKING:
    from pe_dvc.documents.gates import Gates
    from pe_dvc.documents.manifest import Entity, Manifest, Table


class Data(Protocol):
    """Numbers about the columns of one file, each by one pass or a few, in bounded memory."""

    def nulls(self, place: Place) -> int:
        """Return how many values are missing; what is not a number counts."""
        ...

    def duplicate(self, place: Place) -> Any:
        """Return a value that occurs twice, None if there is none."""
        ...

    def orphan(self, link: Link) -> Any:
        """Return a value of the reference that no key has, None if there is none."""
        ...

    def least(self, place: Place) -> float | None:
        """Return the least value, None for no rows."""
        ...

    def total(self, place: Place, weight: Place | None, link: Link | None) -> float:
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
    measured: dict[str, float] = field(default_factory=dict)
    """The totals of the nominated one, filled in by the gate."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What a gate found: the column or table, its value, and the bound that it breaks."""

    dataset: str
    gate: str
    column: str | None
    value: str
    bound: str

    def __str__(self) -> str:
        """Return it as a sentence."""
        column = f" of {self.column}" if self.column else ""
        return f"{self.dataset}: gate {self.gate}{column}: {self.value}; expected {self.bound}"


Gate = Callable[[Nomination, Any], Iterable[Failure]]
"""Judges a nomination, given the options of its declaration (of ``custom``, those of its name)."""


def judge(nomination: Nomination, custom: Mapping[str, Gate]) -> list[Failure]:
    """Return every failure of a nomination; ``custom`` are the gates of other packages.

    Raises NotFoundError for a custom gate that is not installed, FormatError for a declaration
    that names a column that is not there.
    """
    failures: list[Failure] = []
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
        failures += custom[name](nomination, options)
    return failures


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
            yield _fail(nomination, "keys", entity.key, f"{nulls} nulls", "a key in every row")
        elif table.entity == name:
            twice = nomination.data.duplicate(place)
            if twice is not None:
                yield _fail(
                    nomination, "keys", entity.key, f"{twice!r} occurs twice", "unique keys"
                )


def references(nomination: Nomination, _: bool) -> Iterator[Failure]:
    """Every reference names a unit that is there."""
    for name, entity in nomination.after.table.entities.items():
        for other, column in entity.references.items():
            link = _link(nomination, name, entity, other)
            nulls = nomination.data.nulls(link.reference)
            orphan = None if nulls else nomination.data.orphan(link)
            if nulls or orphan is not None:
                value = f"{nulls} nulls" if nulls else f"{orphan!r} names no {other}"
                yield _fail(nomination, "references", column, value, f"a {other} for every {name}")


def weights(nomination: Nomination, bound: str) -> Iterator[Failure]:
    """Weights are positive, or at least not negative, and none is missing."""
    weight = nomination.after.table.weight
    if weight is None:
        return
    place = _place(nomination, weight)
    nulls = nomination.data.nulls(place)
    if nulls:
        yield _fail(nomination, "weights", weight, f"{nulls} nulls", "a weight in every row")
    least = nomination.data.least(place)
    if least is not None and (least < 0 or (least == 0 and bound == "positive")):
        yield _fail(nomination, "weights", weight, f"the least is {least!r}", f"all {bound}")


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
        if column in nomination.totals:
            before = nomination.totals[column]
            yield from _moved(nomination, "totals", column, total, before, tolerance)


BUILT_IN: dict[str, Gate] = {
    "columns": columns,
    "rows": rows,
    "keys": keys,
    "references": references,
    "weights": weights,
    "totals": totals,
}


def _fail(nomination: Nomination, gate: str, column: str, value: str, bound: str) -> Failure:
    return Failure(dataset=nomination.name, gate=gate, column=column, value=value, bound=bound)


def _moved(
    nomination: Nomination, gate: str, column: str, now: float, was: float, tolerance: float
) -> Iterator[Failure]:
    slack = abs(was) * tolerance
    if not abs(now - was) <= slack:
        bound = f"{was - slack:,.6g} to {was + slack:,.6g} ({tolerance:.4g} of {was:,.6g})"
        yield _fail(nomination, gate, column, f"{now:,.6g}", bound)


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
