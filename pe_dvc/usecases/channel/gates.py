"""The gates of promotion: what a nominated dataset is held to, and what it says if it fails.

Pure judgement; the numbers come from ``Data``, which streams the file
(``pe_dvc.adapters.tables.column_data``). A gate of another package is a callable of the same form,
published as an entry point in the group ``pe_dvc.gates``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.disclosure import Finding
from pe_dvc.documents.places import Link
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.sizes import figure_text
from pe_dvc.usecases.channel import profile_gates
from pe_dvc.usecases.channel.benchmark_gate import benchmarks
from pe_dvc.usecases.channel.gate_failures import (
    Failure,
    ForeignFailures,
    not_so,
    orphaned,
    twice,
)
from pe_dvc.usecases.channel.gate_places import (
    in_period,
    key_places,
    link_to,
    named,
    places_of,
    reference_places,
    table_of,
)
from pe_dvc.usecases.channel.gate_results import Measured
from pe_dvc.usecases.channel.gate_schema import row_counts, schema_losses
from pe_dvc.usecases.channel.nomination import Nomination

if TYPE_CHECKING:
    from pe_dvc.documents.disclosure import Total
    from pe_dvc.documents.places import Place


Gate = Callable[[Nomination, Any], Iterable[Failure]]
"""Judges a nomination, given the options of its declaration (of ``custom``, those of its name)."""


def judge(nomination: Nomination, custom: Mapping[str, Gate]) -> list[Failure | ForeignFailures]:
    """Return every failure of a nomination; ``custom`` are the gates of other packages.

    What each gate found is in ``nomination.results``, passed or not. Raises NotFoundError for a
    custom gate that is not installed, FormatError for a declaration that names a column that is
    not there.
    """
    failures: list[Failure | ForeignFailures] = []
    for name, gate in (BUILT_IN | MEASURING).items():
        option = getattr(nomination.gates, name)
        if option is not False and option is not None:
            failures += _run(nomination, name, gate(nomination, option))
    for name, options in nomination.gates.custom.items():
        if name not in custom:
            raise NotFoundError(
                f"{nomination.name}: there is no gate {name!r} among those of the installed "
                f"packages ({', '.join(sorted(custom)) or 'none'})",
                remedy="Install the package that has it, or remove it from meta.pe.gates.custom.",
            )
        found = _ask(custom[name], name, nomination, options)
        nomination.results.append(_outcome(name, passed=not found))
        if found:
            failures.append(ForeignFailures(dataset=nomination.name, gate=name, failures=found))
    return failures


def _run(
    nomination: Nomination, name: str, found: Iterable[Failure | Measured]
) -> Iterator[Failure]:
    """Yield the failures of a gate, having kept what it measured."""
    silent = True
    for one in found:
        silent = False
        if isinstance(one, Measured):
            nomination.results.append(one)
            if not one.passed:
                yield one.failure(nomination.name)
            continue
        nomination.results.append(
            Measured(gate=one.gate, of=one.column, value=one.value, bound=one.bound, passed=False)
        )
        yield one
    if silent and name in BUILT_IN and getattr(nomination.gates, name) != {}:
        nomination.results.append(_outcome(name, passed=True))


def _outcome(gate: str, *, passed: bool) -> Measured:
    return Measured(gate=gate, of=None, value="", bound="", passed=passed)


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
    """No column and no period is lost, and no column changes its type."""
    if nomination.before is not None:
        for column, value, bound in schema_losses(nomination.before, nomination.after, meant):
            yield _fail(nomination, "columns", column, value, bound)


def rows(nomination: Nomination, tolerance: float) -> Iterator[Failure]:
    """The number of rows of each table moves within a tolerance, in each period."""
    if nomination.before is not None:
        for table, now, was in row_counts(nomination.before, nomination.after):
            yield from _moved(nomination, "rows", table, now, was, tolerance)


def keys(nomination: Nomination, _: bool) -> Iterator[Failure]:
    """No key is null, and a table's own key is unique."""
    for name in nomination.after.table.entities:
        places = key_places(nomination.after.table, name)
        own = table_of(nomination.after.table, name).entity == name
        for place in places:
            nulls = nomination.data.nulls(place)
            found = None if nulls or not own else nomination.data.repeated(place)
            column = named(place, places)
            if nulls:
                said = Finding.alike(nulls)
                yield _fail(nomination, "keys", column, said, "a key in every row")
            elif found is not None:
                yield _fail(nomination, "keys", column, twice(found), "unique keys")


def references(nomination: Nomination, _: bool) -> Iterator[Failure]:
    """Every reference names a unit that is there."""
    for name, entity in nomination.after.table.entities.items():
        for other in entity.references:
            places = reference_places(nomination.after.table, name, other)
            for place in places:
                key = in_period(key_places(nomination.after.table, other), place.period)
                nulls = nomination.data.nulls(place)
                link = Link(reference=place, key=key)
                orphans = None if nulls else nomination.data.orphans(link)
                if nulls or orphans is not None:
                    value = Finding.alike(nulls) if orphans is None else orphaned(orphans, other)
                    column, bound = named(place, places), f"a {other} for every {name}"
                    yield _fail(nomination, "references", column, value, bound)


def weights(nomination: Nomination, bound: str) -> Iterator[Failure]:
    """Weights are positive, or at least not negative, and none is missing, in any period."""
    weight = nomination.after.table.weight
    if weight is None:
        return
    places = places_of(nomination.after, weight)
    for place in places:
        column, nulls = named(place, places), nomination.data.nulls(place)
        if nulls:
            said = Finding.alike(nulls)
            yield _fail(nomination, "weights", column, said, "a weight in every row")
        rows = nomination.data.below(place, 0, or_equal=bound == "positive")
        if rows:
            value = not_so(rows, bound, nomination.data.least(place))
            yield _fail(nomination, "weights", column, value, f"all {bound}")


def totals(nomination: Nomination, tolerances: Mapping[str, float]) -> Iterator[Failure]:
    """The weighted total of each column moves within its tolerance, in every period.

    A column or period that is named for the first time has nothing to be compared with.
    """
    for column, tolerance in tolerances.items():
        places = places_of(nomination.after, column)
        for place in places:
            name = named(place, places)
            total = _weighted_total(nomination, place)
            nomination.measured[name] = total
            before = _total_before(nomination, place, name)
            if nomination.rule.signed_total(total) is None:
                few = f"{nomination.rule.minimum_carriers} rows or more that add to it"
                yield _fail(nomination, "totals", name, Finding.alike(total), few)
            elif before is not None and total.has_moved(before, tolerance):
                bound = Finding(
                    public=(_range(before, tolerance),),
                    counts=(f"at most {tolerance:.4g} from the total in next",),
                )
                yield _fail(nomination, "totals", name, Finding.alike(total), bound)


def _weighted_total(nomination: Nomination, place: Place) -> Total:
    weight = nomination.after.table.weight
    if weight in (None, place.column):
        return nomination.data.total(place, None, None)
    by = in_period(places_of(nomination.after, str(weight)), place.period)
    link = None
    if by.table != place.table:
        after = nomination.after
        link = link_to(after.table, place, by, name=after.artifact.name)
    return nomination.data.total(place, by, link)


def _total_before(nomination: Nomination, place: Place, name: str) -> float | None:
    """Return the total that was signed of the same period; of any, where each has one only."""
    if f"{place.column}/{place.period}" in nomination.totals:
        return nomination.totals[f"{place.column}/{place.period}"]
    was = nomination.before.table.tables if nomination.before else ()
    periods = [p.period for table in was for p in table.places(place.column)]
    period = periods[0] if periods else None
    comparable = name == place.column or period in (None, place.period)
    return nomination.totals.get(place.column) if comparable else None


BUILT_IN: dict[str, Gate] = {
    "columns": columns,
    "rows": rows,
    "keys": keys,
    "references": references,
    "weights": weights,
    "totals": totals,
}


MEASURING: dict[str, Callable[[Nomination, Any], Iterable[Measured]]] = {
    "zero": profile_gates.zero,
    "periods": profile_gates.periods,
    "tail": profile_gates.tail,
    "n_eff": profile_gates.n_eff,
    "categories": profile_gates.categories,
    "drift": profile_gates.drift,
    "benchmarks": benchmarks,
    "evidence": profile_gates.evidence,
}
"""Gates that tell what they measured, passed or not."""


def _fail(
    nomination: Nomination,
    gate: str,
    column: str | None,
    value: str | Finding,
    bound: str | Finding,
) -> Failure:
    return Failure(dataset=nomination.name, gate=gate, column=column, value=value, bound=bound)


def _moved(
    nomination: Nomination, gate: str, column: str, now: float, was: float, tolerance: float
) -> Iterator[Failure]:
    if not abs(now - was) <= abs(was) * tolerance:
        yield _fail(nomination, gate, column, figure_text(now), _range(was, tolerance))


def _range(was: float, tolerance: float) -> str:
    slack = abs(was) * tolerance
    return (
        f"{figure_text(was - slack)} to {figure_text(was + slack)} "
        f"({tolerance:.4g} of {figure_text(was)})"
    )
