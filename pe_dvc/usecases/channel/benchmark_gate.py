"""The gate of benchmarks: figures of the data, or of the model, beside those of other sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.documents.benchmarks import measured_in
from pe_dvc.documents.disclosure import Finding, Total
from pe_dvc.documents.row_filter import Asked
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.sizes import figure_text
from pe_dvc.usecases.channel.gate_places import in_period
from pe_dvc.usecases.channel.gate_results import Measured
from pe_dvc.usecases.channel.profile_gates import MANY, found_columns, rests_on
from pe_dvc.usecases.checkout.profile_plan import plan_profile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pe_dvc.documents.benchmarks import Benchmark
    from pe_dvc.documents.disclosure import Measure
    from pe_dvc.documents.places import Link, Place
    from pe_dvc.documents.profile_plan import TablePlan
    from pe_dvc.documents.row_filter import Condition
    from pe_dvc.usecases.channel.nomination import Nomination

NOT_SAID = "not said"


def benchmarks(nomination: Nomination, file: str) -> Iterator[Measured]:
    """Figures are near those that other sources give."""
    held = nomination.benchmarks
    if held is None:
        return
    for name, sha256 in held.files.items():
        yield Measured(gate="benchmarks", of=name, value=f"sha256:{sha256}", bound="", passed=True)
    of_rows = _of_rows(nomination, held.benchmarks, file)
    for one in held.benchmarks:
        if one.measure is not None:
            found = measured_in(held.figures, one, file=held.measure or file)
            yield _judged(one, Total(found, carriers=MANY).beside(one.value), nomination)
            continue
        figures = of_rows[one.name] if one.filter else list(_of_profile(nomination, one))
        if not figures:
            raise FormatError(
                f"the benchmark {one.name!r}: {one.column} has no figures of {one.year}",
                where=file,
                remedy="Correct the column, the table or the year.",
            )
        for figure in figures:
            yield _judged(one, figure, nomination)


def _of_profile(nomination: Nomination, one: Benchmark) -> Iterator[Measure | None]:
    after = nomination.profiles.after()
    for table, column in found_columns(after, str(one.column), nomination, "benchmarks"):
        if _is_of(one, table.name, table.period):
            figure = getattr(column, one.statistic)
            known = figure is not None
            yield Total(figure, carriers=rests_on(column)).beside(one.value) if known else None


@dataclass(frozen=True)
class _Column:
    """A column of a period, with how its rows are weighted."""

    place: Place
    weight: Place | None
    link: Link | None


def _of_rows(
    nomination: Nomination, listed: Sequence[Benchmark], file: str
) -> Mapping[str, list[Measure | None]]:
    """Return the figures of the rows that filters choose: no profile has them, so of the file.

    All filters of a column are asked at once, as their figures can be subtracted.
    """
    asked: dict[_Column, list[tuple[Benchmark, Asked]]] = {}
    for one in listed:
        for column, plan in _columns(nomination, one) if one.filter else ():
            conditions = _conditions(nomination, one, plan, file)
            statistic = Asked(conditions=conditions, statistic=one.statistic)
            asked.setdefault(column, []).append((one, statistic))
    found: dict[str, list[Measure | None]] = {one.name: [] for one in listed}
    for column, several in asked.items():
        totals = nomination.data.chosen(
            column.place, column.weight, column.link, [statistic for _, statistic in several]
        )
        for (one, _), total in zip(several, totals, strict=True):
            found[one.name].append(total.beside(one.value))
    return found


def _columns(nomination: Nomination, one: Benchmark) -> Iterator[tuple[_Column, TablePlan]]:
    name: str | None = one.table
    for plan in plan_profile(nomination.after.table):
        place = next((c.place for c in plan.columns if c.place.column == one.column), None)
        if place is None or name not in (None, plan.name):
            continue
        name = plan.name  # of the first table that has the column, as in a profile
        if _is_of(one, plan.name, plan.period):
            is_weight = place == plan.weight
            weight, link = (None, None) if is_weight else (plan.weight, plan.link)
            yield _Column(place, weight, link), plan


def _conditions(
    nomination: Nomination, one: Benchmark, plan: TablePlan, file: str
) -> dict[Place, Condition]:
    (table,) = (found for found in nomination.after.table.tables if found.name == plan.name)
    conditions = {}
    for column, condition in one.filter.items():
        places = table.places(column)
        if not places:
            raise FormatError(
                f"the benchmark {one.name!r}: the table {table.name} of {one.column} has no column "
                f"{column!r}, by which it is filtered",
                where=file,
                remedy="Filter by columns of the same table.",
            )
        conditions[in_period(places, plan.period)] = condition
    return conditions


def _is_of(one: Benchmark, table: str, period: str | None) -> bool:
    return one.table in (None, table) and (one.year is None or period in (None, str(one.year)))


def _judged(one: Benchmark, figure: Measure | None, nomination: Nomination) -> Measured:
    """Hold a figure to its benchmark; one that may not be said fails, as it would be told."""
    found = None if figure is None else nomination.rule.figure(figure)
    return Measured(
        gate="benchmarks",
        of=one.name,
        value=NOT_SAID if found is None or figure is None else Finding.alike(figure),
        bound=f"{figure_text(one.value)} within {one.tolerance:.4g}, by {one.said_by}",
        passed=found is not None and abs(found - one.value) <= abs(one.value) * one.tolerance,
    )
