"""The figures of a profile by which two versions of a dataset are compared."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pe_dvc.documents.movers import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.documents.profile import ColumnProfile, Profile, TableProfile, WeightProfile

_AMOUNTS = ("total", "mean", "sd", "carriers", "weighted_carriers")
_SHARES = ("top_100", "top_weight")
_OF_WEIGHTS = ("sum", "n_eff", "max_over_median")


def figures_of(profile: Profile) -> dict[Figure, float]:
    """Return what a profile says, figure by figure. Of missing values their share of the rows."""
    return {
        figure: value
        for table in profile.tables
        for figure, value in _of_table(table)
        if value is not None
    }


def _of_table(table: TableProfile) -> Iterator[tuple[Figure, float | None]]:
    if table.weight is not None:
        # The weight of persons may be that of their households: the figures are of these rows.
        yield from _of_weight(table.weight, partial(Figure, table.name, table.period))
    for name, column in table.columns.items():
        yield from _of_column(column, table.rows, partial(Figure, table.name, table.period, name))


def _of_weight(
    weight: WeightProfile, named: partial[Figure]
) -> Iterator[tuple[Figure, float | None]]:
    for statistic in _OF_WEIGHTS:
        yield named(weight.column, f"weights: {statistic}"), getattr(weight, statistic)
    yield named(weight.column, "weights: top_100", is_share=True), weight.top_100


def _of_column(
    column: ColumnProfile, rows: int, named: partial[Figure]
) -> Iterator[tuple[Figure, float | None]]:
    for statistic in _AMOUNTS:
        yield named(statistic), getattr(column, statistic)
    for statistic in _SHARES:
        yield named(statistic, is_share=True), getattr(column, statistic)
    for statistic, value in column.quantiles.items():
        yield named(statistic), value
    if column.nulls is not None and rows:
        yield named("nulls", is_share=True), column.nulls / rows
    for category in column.categories or ():
        yield named(f"share of {category.value}", is_share=True), category.share
