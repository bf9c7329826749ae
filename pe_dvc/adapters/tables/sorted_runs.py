"""Numbers in ascending order, of more rows than are held: sorted in parts, which are merged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pe_dvc.adapters.tables.spill import Spill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Pair = tuple[Numbers, Numbers]
    """Values, and the weight of each."""


class SortedRuns:
    """Takes values with weights, in parts of any order, and gives all in ascending order.

    Equal values come in the order in which they were given. ``together`` values are held at once.
    """

    def __init__(self, together: int) -> None:
        self._together = together
        self._values, self._weights = Spill(), Spill()
        self._runs: list[tuple[int, int]] = []

    def add(self, values: NDArray[np.generic], weights: Numbers) -> None:
        """Put a part aside, sorted. None of its values is missing."""
        order = np.argsort(values, kind="stable")
        start = self._values.write(values[order].astype(np.float64))
        self._weights.write(weights[order])
        self._runs.append((start, start + len(order)))

    def merged(self) -> Iterator[Pair]:
        """Yield the values in ascending order, a part at a time."""
        span = max(2, self._together // max(len(self._runs), 1))
        heads = [_Head(self._values, self._weights, run, span) for run in self._runs]
        while heads := [head for head in heads if head.fill()]:
            # Of a run that goes on, nothing is known beyond its last value here.
            limit = min((head.last for head in heads if head.goes_on), default=np.inf)
            yield _in_order([head.below(limit) for head in heads])
            for head in heads:
                yield from head.equal(limit)

    def close(self) -> None:
        """Let the files go."""
        self._values.close()
        self._weights.close()


class _Head:
    """The first values of a run that were not taken yet."""

    def __init__(self, values: Spill, weights: Spill, run: tuple[int, int], span: int) -> None:
        self._spills, self._span = (values, weights), span
        self._next, self._end = run
        self._held: tuple[Numbers, Numbers] = (np.empty(0), np.empty(0))

    @property
    def goes_on(self) -> bool:
        """Whether the run has more than what is held."""
        return self._next < self._end

    @property
    def last(self) -> float:
        return float(self._held[0][-1])

    def fill(self) -> bool:
        """Hold more, where less than half is left; False where nothing is."""
        held = len(self._held[0])
        if held <= self._span // 2 and self.goes_on:
            stop = min(self._next + self._span - held, self._end)
            more = [spill.read(self._next, stop) for spill in self._spills]
            values, weights = (
                more if not held else map(np.concatenate, zip(self._held, more, strict=True))
            )
            self._held, self._next = (values, weights), stop
        return len(self._held[0]) > 0

    def below(self, limit: float) -> Pair:
        """Take the values below the limit."""
        return self._take(int(np.searchsorted(self._held[0], limit)))

    def equal(self, limit: float) -> Iterator[Pair]:
        """Take all values that are the limit, having taken those below."""
        while self.fill():
            count = int(np.searchsorted(self._held[0], limit, "right"))
            if not count:
                return
            yield self._take(count)

    def _take(self, count: int) -> Pair:
        values, weights = self._held
        self._held = values[count:], weights[count:]
        return values[:count], weights[:count]


def _in_order(parts: list[Pair]) -> Pair:
    parts = [part for part in parts if len(part[0])]
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return np.empty(0), np.empty(0)
    values, weights = map(np.concatenate, zip(*parts, strict=True))
    order = np.argsort(values, kind="stable")
    return values[order], weights[order]
