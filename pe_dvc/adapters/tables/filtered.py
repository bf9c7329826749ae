"""Sums over the rows that a filter chooses, a batch of rows at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pe_dvc.adapters.tables.key_check import missing
from pe_dvc.documents.row_filter import Chosen, Range
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pe_dvc.documents.row_filter import Condition


@dataclass
class ChosenSums:
    """Adds up batches of one column."""

    _totals: list[float] = field(default_factory=list)
    _weights: list[float] = field(default_factory=list)
    _carried: list[float] = field(default_factory=list)
    _carriers: int = 0
    _others: int = 0
    _missing: int = 0
    _zeros: int = 0

    def add(
        self, values: NDArray[Any], weights: NDArray[np.float64], chosen: NDArray[np.bool_]
    ) -> None:
        """Add a batch: what is missing adds nothing."""
        numbers = values.astype(np.float64)
        there = ~np.isnan(numbers)
        carrying = there & (numbers != 0)
        self._others += int((carrying & ~chosen).sum())
        self._missing += int((chosen & ~there).sum())
        there, carrying = there & chosen, carrying & chosen
        self._zeros += int((there & ~carrying).sum())
        self._totals.append(float(numbers[carrying] @ weights[carrying]))
        self._weights.append(float(weights[there].sum()))
        self._carried.append(float(weights[carrying].sum()))
        self._carriers += int(carrying.sum())

    def found(self) -> Chosen:
        """Return the sums."""
        return Chosen(
            total=math.fsum(self._totals),
            weight=math.fsum(self._weights),
            carriers=self._carriers,
            weighted_carriers=math.fsum(self._carried),
            others=self._others,
            missing=self._missing,
            zeros=self._zeros,
        )


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
