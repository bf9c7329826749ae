"""The weighted distribution of a column's numbers: exact, by one way through them in order."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from pe_dvc.adapters.tables.number_column import joined, part_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from pe_dvc.adapters.tables.codes import Runs
    from pe_dvc.adapters.tables.number_column import NumberColumn
    from pe_dvc.adapters.tables.number_sums import Sums

_BLOCK = 1024


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """What the order of a column's values tells.

    ``sd`` is the weighted standard deviation. ``top_weight`` is what a share of the weight with the
    largest values adds to the total, how many rows that is, and how many add the rest: the last one
    may be in both. ``few`` are the values with their rows and weight, None where they are many.
    """

    sd: float
    quantiles: list[float | None]
    top_weight: tuple[float, int, int]
    few: Runs | None


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is asked of a distribution: quantiles and the top as shares, ``few`` values at most.

    With ``least``, of a gated country, a quantile is the mean of so many rows around it, with as
    many beyond them at either end; None where there are not so many.
    """

    quantiles: Sequence[float]
    top: float
    few: int
    least: int | None = None


def distribution_of(column: NumberColumn, wanted: Wanted) -> Distribution:
    """Return the distribution of a column whose weight is more than zero, and no value infinite."""
    found = _Way(column.sums, wanted)
    for around, core, is_last in _surrounded(column.ascending(), wanted.least or 0):
        found.pass_by(around, core, is_last=is_last)
    return found.result()


class _Way:
    """Goes up through the values, and takes what is asked for as it passes by."""

    def __init__(self, sums: Sums, wanted: Wanted) -> None:
        self._sums, self._wanted = sums, wanted
        # A sum of rounded numbers may fall short of the share by a hair.
        self._shares = np.asarray(wanted.quantiles) * sums.weight * (1 - 1e-12)
        self._quantiles: list[float | None] = []
        self._rows = 0
        self._weight = self._squares = 0.0
        self._top = (0.0, 0, 0)
        self._few: Runs | None = None
        self._ends: tuple[float, float] | None = None

    def pass_by(self, around: Runs, core: slice, *, is_last: bool) -> None:
        runs = part_of(around, core)
        values, counts, weights = runs
        if not len(values):
            return
        few = self._rows == 0 and len(values) <= self._wanted.few
        self._few = runs if few else None
        self._ends = (self._ends[0] if self._ends else float(values[0]), float(values[-1]))
        self._squares += float((values - self._sums.mean) ** 2 @ weights)
        cumulative = self._weight + _running(weights)
        before = self._rows - int(around[1][: core.start].sum())
        for index in self._reached(cumulative, is_last=is_last):
            place = _Place(around, core.start + index, before, self._sums.rows)
            self._quantiles.append(place.value(self._wanted.least))
        self._add_top(runs, cumulative)
        self._rows += int(counts.sum())
        self._weight = float(cumulative[-1])

    def result(self) -> Distribution:
        adds, rows, whole = self._top
        # Of one value alone it is none, whatever the last digit of the mean.
        is_one = self._ends is not None and self._ends[0] == self._ends[1]
        return Distribution(
            sd=0.0 if is_one else float(np.sqrt(self._squares / self._sums.weight)),
            quantiles=self._quantiles,
            top_weight=(adds, rows, self._sums.adding - whole),
            few=self._few,
        )

    def _reached(self, cumulative: NDArray[np.float64], *, is_last: bool) -> Iterator[int]:
        """Yield where the shares are reached that were not before; at the end all are."""
        left = self._shares[len(self._quantiles) :]
        for index in np.searchsorted(cumulative, left).tolist():
            if index < len(cumulative) or is_last:
                yield min(index, len(cumulative) - 1)

    def _add_top(self, runs: Runs, cumulative: NDArray[np.float64]) -> None:
        values, counts, weights = runs
        left = self._wanted.top * self._sums.weight - (self._sums.weight - cumulative)
        has = (left > 0) & (values > 0)
        if not has.any():
            return
        values, counts, weights = values[has], counts[has], weights[has]
        taken = np.clip(left[has], 0, weights)
        adds, rows, whole = self._top
        self._top = (
            adds + float(values @ taken),
            rows + int(counts[taken > 0].sum()),
            whole + int(counts[(taken >= weights) & (taken > 0)].sum()),
        )


@dataclass(frozen=True)
class _Place:
    """One of some runs, with ``before`` rows below the first of these, and ``rows`` in all."""

    around: Runs
    at: int
    before: int
    rows: int

    def value(self, least: int | None) -> float | None:
        """Return the value here; with ``least`` the mean of so many rows, None of too few."""
        values, counts, _ = self.around
        if least is None:
            return float(values[self.at])
        if values[self.at] == 0:
            return 0.0 if counts[self.at] >= least else None
        part = self._part(least)
        if part is None:
            return None
        below = self.before + counts[: part.start].sum()
        beyond = min(below, self.rows - below - counts[part].sum())
        is_many = counts[self.at] >= least and part.stop - part.start == 1
        if beyond < least and not is_many:
            return None
        return float(values[part] @ counts[part] / counts[part].sum())

    def _part(self, least: int) -> slice | None:
        """Return the runs around this one that have so many rows, all of one sign."""
        values, counts, _ = self.around
        first, stop = self.at, self.at + 1
        side = np.sign(values[self.at])
        while counts[first:stop].sum() < least:
            lower = first > 0 and np.sign(values[first - 1]) == side
            upper = stop < len(values) and np.sign(values[stop]) == side
            if not lower and not upper:
                return None
            first, stop = first - lower, stop + upper
        return slice(first, stop)


def _surrounded(parts: Iterable[Runs], reach: int) -> Iterator[tuple[Runs, slice, bool]]:
    """Yield each part with so many runs of the parts beside it, where it is in these, if last."""
    below: Runs | None = None
    here: Runs | None = None
    for above in chain(parts, [None]):
        if here is not None:
            start = min(reach, len(below[0])) if below else 0
            beside = [part_of(below, slice(len(below[0]) - start, None))] if below else []
            after = [part_of(above, slice(reach))] if above else []
            around = joined([*beside, here, *after]) if beside or after else here
            yield around, slice(start, start + len(here[0])), above is None
        below, here = here, above


def _running(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums up to each number: by blocks, as a long sum of small numbers loses digits."""
    found = np.empty(len(numbers))
    whole = len(numbers) // _BLOCK * _BLOCK
    blocks = found[:whole].reshape(-1, _BLOCK)
    np.cumsum(numbers[:whole].reshape(-1, _BLOCK), axis=1, out=blocks)
    ends = np.cumsum(blocks[:, -1])
    blocks[1:] += ends[:-1, None]
    rest = float(ends[-1]) if whole else 0.0
    found[whole:] = rest + np.cumsum(numbers[whole:])
    return found
