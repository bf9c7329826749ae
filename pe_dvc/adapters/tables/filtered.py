"""Sums over the rows that filters choose, a batch of rows at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pe_dvc.adapters.tables.key_check import missing
from pe_dvc.documents.row_filter import Cells, Range, Sums
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pe_dvc.documents.row_filter import Condition


@dataclass
class _Adding:
    """Adds up batches of rows of one column: what is missing adds nothing."""

    totals: list[float] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    carried: list[float] = field(default_factory=list)
    carriers: int = 0
    missing: int = 0
    zeros: int = 0

    def add(self, numbers: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
        there = ~np.isnan(numbers)
        carrying = there & (numbers != 0)
        self.missing += int((~there).sum())
        self.zeros += int((there & ~carrying).sum())
        self.totals.append(float(numbers[carrying] @ weights[carrying]))
        self.weights.append(float(weights[there].sum()))
        self.carried.append(float(weights[carrying].sum()))
        self.carriers += int(carrying.sum())

    def found(self) -> Sums:
        return Sums(
            total=math.fsum(self.totals),
            weight=math.fsum(self.weights),
            carriers=self.carriers,
            weighted_carriers=math.fsum(self.carried),
            missing=self.missing,
            zeros=self.zeros,
        )


class CellSums:
    """Adds up batches of one column by cell: by which of the filters chose a row."""

    def __init__(self) -> None:
        self._cells: dict[int, _Adding] = {}

    def add(
        self,
        values: NDArray[Any],
        weights: NDArray[np.float64],
        chosen: Sequence[NDArray[np.bool_]],
    ) -> None:
        """Add a batch; ``chosen`` tells of each filter which rows it chose."""
        numbers, cells = values.astype(np.float64), np.zeros(len(values), np.int64)
        for bit, rows in enumerate(chosen):
            cells |= rows.astype(np.int64) << bit
        for cell in np.unique(cells).tolist():
            rows = cells == cell
            self._cells.setdefault(cell, _Adding()).add(numbers[rows], weights[rows])

    def found(self) -> Cells:
        """Return the sums."""
        return Cells({cell: adding.found() for cell, adding in self._cells.items()})


def rows_of(values: NDArray[Any], condition: Condition, column: str) -> NDArray[np.bool_]:
    """Return which rows keep to a condition; one with a missing value does not.

    Raises FormatError for texts that are asked for as numbers, or the other way round.
    """
    is_text = values.dtype.kind in "SUO"
    if isinstance(condition, Range):
        return _within(values, condition, column)
    wanted = condition if isinstance(condition, list) else [condition]
    texts = [isinstance(one, str) for one in wanted]
    if is_text:
        items = [
            one.decode(errors="replace") if isinstance(one, bytes) else one
            for one in values.tolist()
        ]
        return np.fromiter((one in wanted for one in items), np.bool_, len(items))
    if any(texts):
        raise _mismatch(column, "numbers", "texts")
    return np.asarray(np.isin(values, np.asarray(wanted)), np.bool_)


def _within(values: NDArray[Any], condition: Range, column: str) -> NDArray[np.bool_]:
    there = ~missing(values)
    numbers = np.full(len(values), np.nan)
    try:
        numbers[there] = values[there].astype(np.float64)
    except (TypeError, ValueError):
        raise _mismatch(column, "texts", "a range of numbers") from None
    found = there
    if condition.min is not None:
        found = found & (numbers >= condition.min)
    if condition.max is not None:
        found = found & (numbers < condition.max)
    return np.asarray(found, np.bool_)


def _mismatch(column: str, holds: str, asked: str) -> FormatError:
    return FormatError(
        f"the column {column!r} holds {holds}, and a filter asks for {asked}",
        remedy="Write the filter of the benchmark by what the column holds.",
    )
