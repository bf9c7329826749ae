"""Whole numbers that are close together, such as codes and ages: counted, and not sorted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RANGE = 1 << 16
"""Whole numbers within a range of so many are counted."""

Runs = tuple["NDArray[np.float64]", "NDArray[np.float64]", "NDArray[np.float64]"]
"""Values, ascending, how many rows have each, and their weight. A value may stand there twice."""

NONE: Runs = (np.empty(0), np.empty(0), np.empty(0))


def codes_with(known: Runs, values: NDArray[Any], weights: NDArray[np.float64]) -> Runs | None:
    """Return known codes and more of them, None for numbers that are none.

    No value is missing or infinite.
    """
    if not len(values):
        return known
    if not _are_whole(values):
        return None
    if int(values.max()) - int(values.min()) >= _RANGE:
        return None
    found = _counted(values, weights)
    return found if not len(known[0]) else _together(known, found)


def _counted(values: NDArray[Any], weights: NDArray[np.float64]) -> Runs:
    # Some are beyond 64 bits with a sign, and their differences are not.
    wide = values.astype({"i": "i8", "u": "u8", "f": "f8"}[values.dtype.kind])
    index = (wide - wide.min()).astype(np.int64)
    counts = np.bincount(index)
    has = np.flatnonzero(counts)
    by = _summed(index, weights)[has]
    return has.astype(np.float64) + float(int(values.min())), counts[has].astype(np.float64), by


def _together(known: Runs, found: Runs) -> Runs | None:
    values = np.concatenate([known[0], found[0]])
    if values.max() - values.min() >= _RANGE:
        return None
    different, index = np.unique(values, return_inverse=True)
    counts, weights = (
        _summed(index, np.concatenate(pair)) for pair in zip(known[1:], found[1:], strict=True)
    )
    return different, counts, weights


def _summed(index: NDArray[np.int64], numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.bincount(index, weights=numbers).astype(np.float64)


def _are_whole(values: NDArray[Any]) -> bool:
    """Tell of whole numbers, such as codes that are saved as floats for a missing value."""
    if values.dtype.kind in "iu":
        return True
    first = values[:1000]
    return bool((first == np.floor(first)).all() and (values == np.floor(values)).all())
