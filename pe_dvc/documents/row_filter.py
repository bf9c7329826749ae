"""Which rows of a table a benchmark is of: those whose columns have a value, or are in a range.

Plain values, never code: ``filter: {state: [CA, TX], age: {min: 18, max: 65}}``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pe_dvc.documents.disclosure import Total
from pe_dvc.documents.pydantic_reader import StrictRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pe_dvc.documents.places import Place

Bound = Annotated[float, Field(allow_inf_nan=False)]


class Range(StrictRecord):
    """Numbers from ``min`` on and below ``max``, so that ranges in a row share no value."""

    min: Bound | None = None
    max: Bound | None = None

    @property
    def is_empty(self) -> bool:
        """Tell of a range that has no bound, or no number in it."""
        if self.min is None or self.max is None:
            return self.min is None and self.max is None
        return self.min >= self.max


Value = bool | int | float | str
Condition = Range | Value | Annotated[list[Value], Field(min_length=1)]
"""What the values of a column must be: in a range, a value, or one of several."""


MOST_FILTERS = 60
"""Filters of one column: each is a bit of a number."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A statistic of the rows that keep to all conditions, each of a place."""

    conditions: Mapping[Place, Condition]
    statistic: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Sums:
    """Sums over some rows of one column.

    ``carriers`` are neither missing nor zero; ``weight`` is that of the rows which have a value.
    """

    total: float = 0.0
    weight: float = 0.0
    carriers: int = 0
    weighted_carriers: float = 0.0
    missing: int = 0
    zeros: int = 0

    def __add__(self, other: Sums) -> Sums:
        """Return the sums over the rows of both."""
        return Sums(**{name: number + getattr(other, name) for name, number in vars(self).items()})

    def figure(self, statistic: str) -> float:
        """Return a statistic as in a profile."""
        if statistic == "mean":
            return self.total / self.weight if self.weight > 0 else 0.0
        return float(getattr(self, statistic))

    def counts(self, *, total_only: bool) -> list[int]:
        """Return how many rows each thing rests on that its figures tell.

        All but a total tell, beside the number of rows, how many are missing or zero.
        """
        without = [] if total_only else [self.missing, self.missing + self.zeros]
        return [self.carriers, *without]


@dataclass(frozen=True, repr=False)
class Cells:
    """The rows of a column, cut by several filters: sums by which of the filters chose them.

    The number of a cell has the bit of each filter that chose its rows.
    """

    sums: Mapping[int, Sums]

    def figures(self, asked: Sequence[Asked], minimum: int) -> list[Total]:
        """Return the statistic of each filter, in their order.

        Whatever can be computed of figures and of what is known of all rows is made of cells: so a
        figure rests on the smallest cell that it makes, beside those that were said before it.
        """
        figures: list[Total] = []
        said: list[int] = []
        for number, one in enumerate(asked):
            chosen = sum((s for cell, s in self.sums.items() if cell >> number & 1), Sums())
            total_only = all(asked[n].statistic == "total" for n in (*said, number))
            rests_on = min(chosen.carriers, self._least((*said, number), total_only=total_only))
            figures.append(Total(chosen.figure(one.statistic), carriers=rests_on))
            if rests_on >= minimum:
                said.append(number)
        return figures

    def _least(self, filters: Sequence[int], *, total_only: bool) -> int:
        """Return the least number of rows, above none, in a cell of these filters alone."""
        mask = sum(1 << number for number in filters)
        merged: dict[int, Sums] = {}
        for cell, sums in self.sums.items():
            merged[cell & mask] = merged.get(cell & mask, Sums()) + sums
        counts = (n for sums in merged.values() for n in sums.counts(total_only=total_only) if n)
        return min(counts, default=0)
