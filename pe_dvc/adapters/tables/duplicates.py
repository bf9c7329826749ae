"""Is a key column unique? Exact, in bounded memory, for columns of any length.

A key that only grows from row to row, as keys in files mostly do, is unique: one pass, no memory.
Whole numbers that lie close together are ticked off in a table of up to 64 MiB: two passes. Any
other is dealt out by its bits into buckets of at most about 8 million keys (64 MiB), one
bucket sorted per pass over the key column alone; 50 million rows take seven passes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pe_dvc.documents.disclosure import Count, Repeated, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    Codes = NDArray[np.uint64]

BUCKET = 8 * 1024 * 1024
_TICKS = 64 * 1024 * 1024
_MIX = np.uint64(0x9E3779B97F4A7C15)


def codes_of(values: NDArray[Any]) -> Codes:
    """Return a 64-bit code for each value: equal values have equal codes.

    For numbers the code *is* the value, so that equal codes mean equal values too; for text and
    the like it is a hash, and ``find_repeated`` looks at the values themselves again.
    """
    if values.dtype.kind == "f":
        # Adding zero makes one zero of the two that floating point has.
        return (values.astype(np.float64) + 0.0).view(np.uint64)
    if values.dtype.kind in "iub":
        return values.astype(np.int64 if values.dtype.kind == "i" else np.uint64).view(np.uint64)
    hashes = np.fromiter((_hash(value) for value in values), dtype=np.int64, count=len(values))
    return hashes.view(np.uint64)


def _hash(value: Any) -> int:
    """Return a hash by which -1 is told from -2, as Python's does not."""
    found = hash(value)
    return -1 if found == -2 and value == -1 else found


def find_repeated(
    batches: Callable[[], Iterable[NDArray[Any]]], rows: int, *, bucket: int = BUCKET
) -> Repeated | None:
    """Return what occurs more than once in a column of ``rows`` values, None if nothing does.

    ``batches`` yields the column's values, without nulls, from the start at each call. Of text,
    counts are of hashes of 64 bits: exact, but for a chance of one in thousands in a column of 50
    million.
    """
    if _is_growing(batches()) or _is_ticked_off(batches, rows):
        return None
    count = -(-rows // bucket)
    keys = repeating = 0
    example: list[Any] = []
    for number in range(count):
        codes = _bucket(batches(), number, count)
        codes.sort()
        again = codes[1:][codes[1:] == codes[:-1]]
        repeated = np.unique(again)
        keys, repeating = keys + len(repeated), repeating + len(again) + len(repeated)
        if len(repeated) and not example:
            example = _first_repeated(batches(), repeated[:1024])
    if not example:
        return None
    return Repeated(Count(keys, "key"), Count(repeating, "row", of=rows), Value(example[0]))


def _is_growing(batches: Iterable[NDArray[Any]]) -> bool:
    last = None
    for values in batches:
        if not len(values):
            continue
        try:
            grows = last is None or values[0] > last
            if not grows or not np.all(values[1:] > values[:-1]):
                return False
        except TypeError:  # of several types, such as numbers and text, which have no order
            return False
        last = values[-1]
    return True


def _is_ticked_off(batches: Callable[[], Iterable[NDArray[Any]]], rows: int) -> bool:
    """Tell whether every value is another whole number within a short range; False if unsure."""
    low, high = 0, -1
    for number, values in enumerate(batches()):
        if values.dtype.kind not in "iu" or not len(values):
            return False
        least, most = int(values.min()), int(values.max())
        low, high = (min(low, least), max(high, most)) if number else (least, most)
        if high - low >= _TICKS:
            return False
    ticks = np.zeros(high - low + 1, dtype=np.bool_)
    for values in batches():
        # Widened first, so that a difference fits; only uint64 has values beyond int64.
        wide = values if values.dtype.kind == "u" else values.astype(np.int64)
        ticks[(wide - low).astype(np.int64)] = True
    return int(ticks.sum()) == rows


def _bucket(batches: Iterable[NDArray[Any]], number: int, count: int) -> Codes:
    parts = []
    for values in batches:
        codes = codes_of(values)
        # Mixed first: keys that are all even, say, must not fall into half of the buckets.
        mixed = (codes * _MIX) >> np.uint64(32)
        parts.append(codes[mixed % np.uint64(count) == np.uint64(number)])
    return np.concatenate(parts)


def _first_repeated(batches: Iterable[NDArray[Any]], repeated: Codes) -> list[Any]:
    """Return a value that is there twice, as the one item of a list; an empty list for none."""
    seen: set[Any] = set()
    for values in batches:
        for value in values[np.isin(codes_of(values), repeated)].tolist():
            if value in seen:
                return [value]
            seen.add(value)
    return []
