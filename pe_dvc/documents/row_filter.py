"""Which rows of a table a benchmark is of: those whose columns have a value, or are in a range.

Plain values, never code: ``filter: {state: [CA, TX], age: {min: 18, max: 65}}``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from pe_dvc.documents.disclosure import Total
from pe_dvc.documents.pydantic_reader import StrictRecord

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


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Sums over the rows that a filter chooses, of one column.

    ``carriers`` are neither missing nor zero, ``others`` are such rows that it leaves out, and
    ``missing`` and ``zeros`` are the rest of the chosen ones. ``weight`` is that of the chosen
    rows which have a value.
    """

    total: float
    weight: float
    carriers: int
    weighted_carriers: float
    others: int
    missing: int = 0
    zeros: int = 0

    def figure(self, statistic: str) -> Total:
        """Return a statistic as in a profile.

        It rests on the chosen rows, and on the others: with what is known of all rows, it tells of
        the others as much as of the chosen. All but a total tell, beside the number of chosen rows,
        how many of these are missing or zero.
        """
        mean = self.total / self.weight if self.weight > 0 else 0.0
        found = {
            "total": self.total,
            "mean": mean,
            "carriers": self.carriers,
            "weighted_carriers": self.weighted_carriers,
        }[statistic]
        parts = [self.others]
        if statistic != "total":
            parts += [self.missing, self.missing + self.zeros]
        rests_on = min([self.carriers, *filter(None, parts)])
        return Total(found, carriers=rests_on)
