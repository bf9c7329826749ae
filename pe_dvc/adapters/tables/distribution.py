"""The weighted distribution of a column's numbers: exact, by a histogram or a sort.

It takes up to 100 bytes for each row of one column, whatever the file has beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pe_dvc.documents.profile import TOP_RECORDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HISTOGRAM = 1 << 16
"""Integers within a range of so many are counted, and not sorted."""


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """The values that are there, ascending, each with its rows (``counts``) and their weight.

    A value may stand there more than once. ``top`` is what the rows that add most add to the total,
    and ``top_rows`` how many these are, of ``adding`` that add anything.
    """

    values: NDArray[np.float64]
    counts: NDArray[np.float64]
    weights: NDArray[np.float64]
    nulls: int
    infinite: int
    top: float
    top_rows: int
    adding: int

    @property
    def rows(self) -> int:
        """How many values are there, without the missing ones."""
        return int(self.counts.sum())

    @property
    def carriers(self) -> int:
        """How many of them are not zero."""
        return int(self.counts[self.values != 0].sum())

    @property
    def weighted_carriers(self) -> float:
        """The weight of those that are not zero."""
        return float(self.weights[self.values != 0].sum())

    @property
    def weight(self) -> float:
        """The weight of all."""
        return float(self.weights.sum())

    @property
    def total(self) -> float:
        """The weighted total."""
        return float(self.values @ self.weights)

    @property
    def mean(self) -> float:
        """The weighted mean."""
        return self.total / self.weight

    @property
    def sd(self) -> float:
        """The weighted standard deviation."""
        return float(np.sqrt(((self.values - self.mean) ** 2) @ self.weights / self.weight))

    @property
    def positive(self) -> float:
        """The weighted total of the values above zero."""
        above = self.values > 0
        return float(self.values[above] @ self.weights[above])

    def quantiles(self, shares: list[float], *, least: int | None) -> list[float | None]:
        """Return the least value at or below which each share of the weight lies.

        With ``least``, of a gated country, it is the mean of so many rows around that one, with as
        many beyond them at either end; None where there are not so many.
        """
        cumulative = np.cumsum(self.weights)
        wanted = np.asarray(shares) * cumulative[-1]
        # A sum of rounded numbers may fall short of the share by a hair.
        found = np.searchsorted(cumulative, wanted * (1 - 1e-12))
        at = np.minimum(found, len(self.values) - 1)
        if least is None:
            return [float(self.values[index]) for index in at]
        ends = np.cumsum(self.counts)
        return [self._around(int(index), least, ends) for index in at]

    def _around(self, index: int, least: int, ends: NDArray[np.float64]) -> float | None:
        if self.values[index] == 0:
            return 0.0 if self.counts[index] >= least else None
        first = last = index
        side = np.sign(self.values[index])
        while self._between(first, last, ends) < least:
            lower = first > 0 and np.sign(self.values[first - 1]) == side
            upper = last + 1 < len(self.values) and np.sign(self.values[last + 1]) == side
            if not lower and not upper:
                return None
            first, last = first - lower, last + upper
        beyond = min(self._between(0, first - 1, ends), self._between(last + 1, None, ends))
        is_many = self.counts[index] >= least and first == last
        if beyond < least and not is_many:
            return None
        part = slice(first, last + 1)
        return float(self.values[part] @ self.counts[part] / self.counts[part].sum())

    def _between(self, first: int, last: int | None, ends: NDArray[np.float64]) -> float:
        last = len(ends) - 1 if last is None else last
        if last < first:
            return 0.0
        return float(ends[last] - (ends[first - 1] if first else 0))

    def top_of_weight(self, share: float) -> tuple[float, int, int]:
        """Return what the share of the weight with the largest values adds to the total.

        And how many rows that is, and how many add the rest: the last one may be in both.
        """
        left = share * self.weight
        down = slice(None, None, -1)
        cumulative = np.cumsum(self.weights[down])
        taken = np.clip(left - (cumulative - self.weights[down]), 0, self.weights[down])
        has = (taken > 0) & (self.values[down] > 0)
        whole = has & (taken >= self.weights[down])
        counts = self.counts[down]
        adds = float(self.values[down][has] @ taken[has])
        return adds, int(counts[has].sum()), self.adding - int(counts[whole].sum())


def distribution_of(values: NDArray[Any], weights: NDArray[np.float64] | None) -> Distribution:
    """Return the distribution of numbers, NaN being a missing one; without weights each is one."""
    there = ~np.isnan(values) if values.dtype.kind == "f" else np.ones(len(values), np.bool_)
    nulls = int(len(values) - there.sum())
    if nulls:
        values = values[there]
        weights = None if weights is None else weights[there]
    infinite = int(np.isinf(values).sum()) if values.dtype.kind == "f" else 0
    by = np.ones(len(values)) if weights is None else weights
    top, top_rows, adding = (0.0, 0, 0) if infinite else _top(values, by)
    found = None if infinite else _histogram(values, by)
    runs = _sorted(values, by) if found is None else found
    return Distribution(
        values=runs[0],
        counts=runs[1],
        weights=runs[2],
        nulls=nulls,
        infinite=infinite,
        top=top,
        top_rows=top_rows,
        adding=adding,
    )


Runs = tuple[Any, Any, Any]


def _top(values: NDArray[Any], weights: NDArray[np.float64]) -> tuple[float, int, int]:
    adds = values * weights
    adding = int(np.count_nonzero(adds > 0))
    if len(adds) > TOP_RECORDS:
        adds = np.partition(adds, len(adds) - TOP_RECORDS)[-TOP_RECORDS:]
    adds = np.sort(adds[adds > 0])
    return float(adds.sum()), len(adds), adding


def _histogram(values: NDArray[Any], weights: NDArray[np.float64]) -> Runs | None:
    """Return the runs of whole numbers that are close together, None for others."""
    if not len(values) or not _are_whole(values):
        return None
    least = int(values.min())
    if int(values.max()) - least >= _HISTOGRAM:
        return None
    # Some are beyond 64 bits with a sign, and their differences are not.
    wide = values.astype({"i": "i8", "u": "u8", "f": "f8"}[values.dtype.kind])
    index = (wide - wide.min()).astype(np.int64)
    counts = np.bincount(index)
    has = np.flatnonzero(counts)
    by = np.bincount(index, weights=weights)[has]
    return has.astype(np.float64) + float(least), counts[has].astype(np.float64), by


def _are_whole(values: NDArray[Any]) -> bool:
    """Tell of whole numbers, such as codes that are saved as floats for a missing value."""
    if values.dtype.kind in "iu":
        return True
    first = values[:1000]
    return bool((first == np.floor(first)).all() and (values == np.floor(values)).all())


def _sorted(values: NDArray[Any], weights: NDArray[np.float64]) -> Runs:
    """Return the runs by a sort of what is not zero: many columns are mostly zeros."""
    has = values != 0
    zeros = int(len(values) - has.sum())
    zero_weight = float(weights[~has].sum()) if zeros else 0.0
    if zeros:
        values, weights = values[has], weights[has]
    order = np.argsort(values, kind="stable")
    ascending, by = values[order].astype(np.float64), weights[order]
    counts = np.ones(len(ascending))
    if zeros:
        at = int(np.searchsorted(ascending, 0))
        ascending = np.insert(ascending, at, 0.0)
        counts, by = np.insert(counts, at, zeros), np.insert(by, at, zero_weight)
    return ascending, counts, by
