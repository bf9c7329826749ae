"""The weights of a table's rows, of more rows than are held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pe_dvc.adapters.tables.number_column import TOGETHER
from pe_dvc.adapters.tables.spill import Spill

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from pe_dvc.adapters.tables.data_file import DataFile
    from pe_dvc.adapters.tables.formats import TableReader
    from pe_dvc.documents.places import Link, Place

    Numbers = NDArray[np.float64]


class Weights:
    """The weight of each row, by its number: 0 where it is missing. To be closed."""

    def __init__(self) -> None:
        self._spill = Spill()

    def of(self, start: int, stop: int) -> Numbers:
        """Return the weights of some rows."""
        return np.nan_to_num(self._spill.read(start, stop))

    def parts(self) -> Iterator[Numbers]:
        """Yield all of them, some at a time."""
        for start in range(0, len(self._spill), TOGETHER):
            yield self.of(start, start + TOGETHER)

    def close(self) -> None:
        """Let go of them."""
        self._spill.close()

    def take(self, reader: TableReader, file: DataFile, weight: Place) -> None:
        """Take the weights that the rows have themselves."""
        for (values,) in reader.read_columns(file, [weight]):
            self._spill.write(np.nan_to_num(values.astype(np.float64)))

    def look_up(self, reader: TableReader, file: DataFile, weight: Place, link: Link) -> None:
        """Take the weights of another table's rows, found by the rows' references to its keys.

        The references are read once for so many keys as are held.
        """
        for keys, weights in _held(reader, file, [link.key, weight]):
            order = np.argsort(keys, kind="stable")
            keys, weights = keys[order], np.nan_to_num(weights[order].astype(np.float64))
            start = 0
            for (references,) in reader.read_columns(file, [link.reference]):
                found = _matched(references, keys, weights)
                known = self._spill.read(start, start + len(found))
                if len(known):  # the first that has a key counts
                    found = np.where(np.isnan(known), found, known)
                self._spill.write(found, at=start)
                start += len(found)


def _held(
    reader: TableReader, file: DataFile, places: Sequence[Place]
) -> Iterator[list[NDArray[Any]]]:
    """Yield columns, as many rows at a time as are held; once at least."""
    parts: list[list[NDArray[Any]]] = []
    rows, is_first = 0, True
    for batch in reader.read_columns(file, places):
        parts.append(batch)
        rows += len(batch[0])
        if rows >= TOGETHER:
            yield [np.concatenate(column) for column in zip(*parts, strict=True)]
            parts, rows, is_first = [], 0, False
    if parts:
        yield [np.concatenate(column) for column in zip(*parts, strict=True)]
    elif is_first:
        yield [np.empty(0) for _ in places]


def _matched(references: NDArray[Any], keys: NDArray[Any], weights: Numbers) -> Numbers:
    """Return the weight of each reference, NaN where it is no key."""
    if not len(keys):
        return np.full(len(references), np.nan)
    at = np.minimum(np.searchsorted(keys, references), len(keys) - 1)
    return np.where(keys[at] == references, weights[at], np.nan)
