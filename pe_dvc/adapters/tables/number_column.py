"""A column of numbers, taken a batch at a time: so many rows are held, and not one more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pe_dvc.adapters.tables.codes import NONE, Runs, codes_with
from pe_dvc.adapters.tables.number_sums import Sums
from pe_dvc.adapters.tables.sorted_runs import SortedRuns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

TOGETHER = 1 << 19
"""Rows that are sorted at once: up to 100 bytes each are held."""
_LEAST = 1 << 16
"""Runs of a part in ascending order, but for the last one's."""


class NumberColumn:
    """Takes numbers, NaN being a missing one; without weights each counts as one.

    Codes are counted for as long as all are codes; the others are sorted, in a file where they are
    many. If codes turn out to be none when they were counted, the column ``is_torn``: it is to be
    read again, without ``codes``. It is to be closed.
    """

    def __init__(self, *, codes: bool = True) -> None:
        self.sums = Sums()
        self.is_torn = False
        self._codes: Runs | None = NONE if codes else None
        self._sorted = SortedRuns(TOGETHER)
        self._zeros: tuple[int, float] = (0, 0.0)
        self._held: list[tuple[NDArray[Any], Numbers]] = []
        self._rows = 0

    def add(self, values: NDArray[Any], weights: Numbers | None) -> None:
        """Take a batch of numbers, with the weight of each."""
        by = np.ones(len(values)) if weights is None else weights
        start = 0
        while start < len(values):
            stop = start + TOGETHER - self._rows
            part = values[start:stop], by[start:stop]
            self._held.append(part)
            self._rows, start = self._rows + len(part[0]), stop
            if self._rows == TOGETHER:
                self._flush()

    def finish(self) -> None:
        """Take what was held back: all has been added."""
        if self._held:
            self._flush()

    def ascending(self) -> Iterator[Runs]:
        """Yield the values in ascending order, in large parts; zeros are one run."""
        if self._codes is not None:
            yield self._codes
            return
        held = NONE
        for runs in self._with_zeros():
            held = runs if not len(held[0]) else joined([held, runs])
            if len(held[0]) >= 2 * _LEAST:
                yield part_of(held, slice(None, -_LEAST))
                held = part_of(held, slice(-_LEAST, None))
        yield held

    def close(self) -> None:
        """Let go of what was put aside."""
        self._sorted.close()

    def _flush(self) -> None:
        values, weights = map(np.concatenate, zip(*self._held, strict=True))
        self._held.clear()
        self._rows = 0
        if values.dtype.kind == "f":
            there = ~np.isnan(values)
            if not there.all():
                self.sums.nulls += len(values) - int(np.count_nonzero(there))
                values, weights = values[there], weights[there]
        self.sums.add(values, weights)
        if not self.sums.infinite and not self.is_torn:
            self._take(values, weights)

    def _take(self, values: NDArray[Any], weights: Numbers) -> None:
        if self._codes is not None:
            found = codes_with(self._codes, values, weights)
            self.is_torn = found is None and len(self._codes[0]) > 0
            self._codes = found
        if self._codes is None and not self.is_torn:
            self._sort(values, weights)

    def _sort(self, values: NDArray[Any], weights: Numbers) -> None:
        """Sort what is not zero: many columns are mostly zeros."""
        has = values != 0
        zeros = len(values) - int(np.count_nonzero(has))
        if zeros:
            rows, weight = self._zeros
            self._zeros = rows + zeros, weight + float(weights[~has].sum())
            values, weights = values[has], weights[has]
        self._sorted.add(values, weights)

    def _with_zeros(self) -> Iterator[Runs]:
        rows, weight = self._zeros
        for values, weights in self._sorted.merged():
            at = int(np.searchsorted(values, 0)) if rows else 0
            runs = values, np.ones(len(values)), weights
            if rows and at < len(values):
                yield part_of(runs, slice(None, at))
                yield _zero(rows, weight)
                runs, rows = part_of(runs, slice(at, None)), 0
            yield runs
        if rows:
            yield _zero(rows, weight)


def joined(parts: list[Runs]) -> Runs:
    """Return runs, one after the other."""
    values, counts, weights = map(np.concatenate, zip(*parts, strict=True))
    return values, counts, weights


def part_of(runs: Runs, part: slice) -> Runs:
    """Return some of the runs."""
    return runs[0][part], runs[1][part], runs[2][part]


def _zero(rows: int, weight: float) -> Runs:
    return np.zeros(1), np.array([float(rows)]), np.array([weight])
