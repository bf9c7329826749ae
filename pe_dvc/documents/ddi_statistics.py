"""Statistics of a column for DDI, as its profile says them: what that leaves out is not said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.documents.dataset import Dataset, DescribedColumn
    from pe_dvc.documents.profile import Category, ColumnProfile, TableProfile


@dataclass(frozen=True)
class Statistic:
    """A figure as text; ``kind`` is DDI's word for it."""

    kind: str
    text: str
    is_weighted: bool


@dataclass(frozen=True)
class Statistics:
    """What is known of a column in its only period."""

    table: TableProfile
    column: ColumnProfile
    is_weighted: bool

    def summary(self) -> Iterator[Statistic]:
        """Yield the figures of the whole column."""
        column = self.column
        if column.nulls is not None:
            yield Statistic("vald", str(self.table.rows - column.nulls), is_weighted=False)
            yield Statistic("invd", str(column.nulls), is_weighted=False)
        found = {"mean": column.mean, "medn": column.quantiles.get("p50"), "stdev": column.sd}
        for kind, figure in found.items():
            if figure is not None:
                yield Statistic(kind, f"{figure:.10g}", self.is_weighted)

    def of_category(self, value: str) -> Iterator[Statistic]:
        """Yield the figures of a category, none of one that is not listed."""
        for one in self.categories:
            if one.value == value:
                yield Statistic("freq", str(one.rows), is_weighted=False)
                yield Statistic("percent", f"{100 * one.share:.10g}", self.is_weighted)

    @property
    def categories(self) -> tuple[Category, ...]:
        """The categories that are listed."""
        return self.column.categories or ()


def statistics_of(dataset: Dataset, column: DescribedColumn) -> Statistics | None:
    """Return what the profile says of a column; None where there are several periods of it."""
    tables = dataset.profile.tables if dataset.profile is not None else ()
    name = column.name
    found = [t for t in tables if t.name == column.table.name and name in t.columns]
    if len(found) != 1:
        return None
    (table,) = found
    is_weighted = table.weight is not None and table.weight.column != name
    return Statistics(table, table.columns[name], is_weighted)
