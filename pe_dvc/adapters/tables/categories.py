"""Columns of few different values: how many rows have each, and what weight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pe_dvc.documents.profile import MOST_CATEGORIES

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST = 200
"""Characters of a text that still may be a category."""


class Categories:
    """Counts texts, a batch at a time, until there are more different ones than categories are."""

    def __init__(self) -> None:
        self.are_few = True
        self._codes: dict[str, int] = {}
        self._rows = np.zeros(MOST_CATEGORIES)
        self._weights = np.zeros(MOST_CATEGORIES)

    def add(self, values: NDArray[Any], weights: NDArray[np.float64] | None) -> None:
        """Count a batch of values, of which none is missing."""
        if not self.are_few:
            return
        items, known = values.tolist(), self._codes
        for item in set(items) - known.keys():
            known[item] = len(known)
        texts = all(isinstance(item, str | bytes) and len(item) <= LONGEST for item in known)
        if len(known) > MOST_CATEGORIES or not texts:
            self.are_few = False
            return
        codes = np.fromiter(map(known.__getitem__, items), np.int64, len(items))
        rows = np.bincount(codes, minlength=MOST_CATEGORIES)
        self._rows += rows
        if weights is None:
            self._weights += rows
        else:
            self._weights += np.bincount(codes, weights, minlength=MOST_CATEGORIES)

    def found(self) -> list[tuple[str, int, float]]:
        """Return each value with its rows and their weight, in the values' order."""
        return sorted(
            (_text(value), int(self._rows[code]), float(self._weights[code]))
            for value, code in self._codes.items()
        )


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode(errors="replace")
