"""The gate of benchmarks: figures of the data, or of the model, beside those of other sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.benchmarks import measured_in
from pe_dvc.documents.disclosure import Finding
from pe_dvc.primitives.errors import FormatError
from pe_dvc.usecases.channel.gate_places import in_period
from pe_dvc.usecases.channel.gate_results import Measured
from pe_dvc.usecases.channel.profile_gates import figure_said, found_columns
from pe_dvc.usecases.checkout.profile_plan import plan_profile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.documents.benchmarks import Benchmark
    from pe_dvc.documents.places import Place
    from pe_dvc.documents.profile_plan import TablePlan
    from pe_dvc.documents.row_filter import Condition
    from pe_dvc.usecases.channel.nomination import Nomination

Figure = tuple[float | None, str | Finding]
"""A figure, None where it may not be said, and what is said of it."""
NOT_SAID = "not said"


def benchmarks(nomination: Nomination, file: str) -> Iterator[Measured]:
    """Figures are near those that other sources give."""
    held = nomination.benchmarks
    if held is None:
        return
    for name, sha256 in held.files.items():
        yield Measured(gate="benchmarks", of=name, value=f"sha256:{sha256}", bound="", passed=True)
    for one in held.benchmarks:
        if one.measure is not None:
            found = measured_in(held.figures, one, file=held.measure or file)
            yield _judged(one, (found, f"{found:,.6g}"))
            continue
        figures = list((_of_rows if one.filter else _of_profile)(nomination, one, file))
        if not figures:
            raise FormatError(
                f"the benchmark {one.name!r}: {one.column} has no figures of {one.year}",
                where=file,
                remedy="Correct the column, the table or the year.",
            )
        for figure in figures:
            yield _judged(one, figure)


def _of_profile(nomination: Nomination, one: Benchmark, _: str) -> Iterator[Figure]:
    after = nomination.profiles.after()
    for table, column in found_columns(after, str(one.column), nomination, "benchmarks"):
        if _is_of(one, table.name, table.period):
            figure = getattr(column, one.statistic)
            yield figure, NOT_SAID if figure is None else figure_said(figure, column)


def _of_rows(nomination: Nomination, one: Benchmark, file: str) -> Iterator[Figure]:
    """Yield the figure of the rows that a filter chooses: no profile has it, so of the file."""
    name: str | None = one.table
    for plan in plan_profile(nomination.after):
        place = next((c.place for c in plan.columns if c.place.column == one.column), None)
        if place is None or name not in (None, plan.name):
            continue
        name = plan.name  # of the first table that has the column, as in a profile
        if not _is_of(one, plan.name, plan.period):
            continue
        weight, link = (None, None) if place == plan.weight else (plan.weight, plan.link)
        conditions = _conditions(nomination, one, plan, file)
        total = nomination.data.chosen(place, weight, link, conditions, one.statistic)
        figure = nomination.rule.figure(total)
        yield figure, NOT_SAID if figure is None else Finding.alike(total)


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


def _judged(one: Benchmark, figure: Figure) -> Measured:
    found, said = figure
    passed = found is not None and abs(found - one.value) <= abs(one.value) * one.tolerance
    ratio = "" if not found or not one.value else f" ({found / one.value:.3g} of it)"
    parts = (said,) if isinstance(said, str) else said.counts
    return Measured(
        gate="benchmarks",
        of=one.name,
        value=Finding.alike(*parts, ratio),
        bound=f"{one.value:,.6g} within {one.tolerance:.4g}, by {one.said_by}",
        passed=passed,
    )
