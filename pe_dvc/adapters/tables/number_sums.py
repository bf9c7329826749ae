"""What is added up of a column's numbers, whatever their order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pe_dvc.documents.profile import TOP_RECORDS

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(kw_only=True)
class Sums:
    """Counts and weighted sums of numbers that are added a part at a time.

    ``rows`` and all else are of the values that are there, without the missing ones. ``adding`` are
    those that add to the total. ``positive`` is the weighted total of the values above zero.
    """

    nulls: int = 0
    infinite: int = 0
    rows: int = 0
    carriers: int = 0
    adding: int = 0
    weight: float = 0.0
    weighted_carriers: float = 0.0
    total: float = 0.0
    positive: float = 0.0
    _most: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def add(self, values: NDArray[Any], weights: NDArray[np.float64]) -> None:
        """Add values of which none is missing, each with its weight."""
        has = values != 0
        self.rows += len(values)
        self.carriers += int(np.count_nonzero(has))
        if values.dtype.kind == "f":
            self.infinite += int(np.isinf(values).sum())
        if self.infinite:
            return
        adds = values * weights
        self.weight += float(weights.sum())
        self.weighted_carriers += float(weights[has].sum())
        self.total += float(adds.sum())
        self.positive += float(adds[values > 0].sum())
        self.adding += int(np.count_nonzero(adds > 0))
        self._most = largest(self._most, adds)

    @property
    def mean(self) -> float:
        """The weighted mean."""
        return self.total / self.weight

    @property
    def top(self) -> float:
        """What the rows that add most add to the total."""
        return float(self._most.sum())

    @property
    def top_rows(self) -> int:
        """How many these are."""
        return len(self._most)


def largest(known: NDArray[np.float64], more: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the largest numbers above zero of both, as many as are called the top."""
    both = np.concatenate([known, more])
    if len(both) > TOP_RECORDS:
        both = np.partition(both, len(both) - TOP_RECORDS)[-TOP_RECORDS:]
    return np.sort(both[both > 0])
