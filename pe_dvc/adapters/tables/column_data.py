"""Numbers about the columns of a dataset's file, streamed: what the gates of promotion ask for.

A batch of rows at a time. Beyond that only the keys of an entity that others refer to are held,
with their weights: 16 bytes for each of its units.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from pe_dvc.adapters.tables.duplicates import find_duplicate
from pe_dvc.adapters.tables.formats import format_named

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from pe_dvc.documents.table_schema import Link, Place

Batch = list["NDArray[Any]"]


class ColumnData:
    """The columns of the file ``path``, of the format that its manifest calls ``kind``.

    ``label`` is what messages call the file. Raises FormatError and NotFoundError of the reader.
    """

    def __init__(self, path: Path, kind: str, label: str) -> None:
        self._path, self._label = path, label
        self._reader = format_named(kind, where=label).reader()

    def nulls(self, place: Place) -> int:
        """Return how many values are missing; what is not a number counts."""
        return sum(int(_missing(values).sum()) for (values,) in self._batches(place))

    def duplicate(self, place: Place) -> Any:
        """Return a value that occurs twice, None if there is none."""
        rows = sum(len(values) for (values,) in self._batches(place))
        return find_duplicate(lambda: (values for (values,) in self._batches(place)), rows)

    def orphan(self, link: Link) -> Any:
        """Return a value of the reference that no key has, None if there is none."""
        if link.reference == link.key:
            return None
        keys = np.sort(self._whole(link.key))
        for (values,) in self._batches(link.reference):
            unknown = values[~_among(values, keys)]
            if len(unknown):
                return unknown[:1].tolist()[0]
        return None

    def least(self, place: Place) -> float | None:
        """Return the least value, None for no rows."""
        found = [float(np.nanmin(v)) for (v,) in self._batches(place) if not _missing(v).all()]
        return min(found, default=None)

    def total(self, place: Place, weight: Place | None, link: Link | None) -> float:
        """Return the sum, weighted where there is a weight; ``link`` leads to its table.

        What is missing adds nothing.
        """
        if weight is None:
            return math.fsum(_sum(values) for (values,) in self._batches(place))
        if link is None:
            return math.fsum(
                _sum(_numbers(values) * _numbers(by)) for values, by in self._batches(place, weight)
            )
        keys, weights = self._whole(link.key), _numbers(self._whole(weight))
        order = np.argsort(keys, kind="stable")
        keys, weights = keys[order], weights[order]
        return math.fsum(
            _sum(_numbers(values) * weights[_position(references, keys)])
            for values, references in self._batches(place, link.reference)
        )

    def _whole(self, place: Place) -> NDArray[Any]:
        parts = [values for (values,) in self._batches(place)]
        return np.concatenate(parts) if parts else np.empty(0)

    def _batches(self, *places: Place) -> Iterator[Batch]:
        columns = [place.column for place in places]
        return self._reader.read_columns(self._path, places[0].table, columns, name=self._label)


def _missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    if values.dtype.kind == "f":
        return np.asarray(np.isnan(values), np.bool_)
    if values.dtype.kind == "O":
        return np.fromiter((v is None or v != v for v in values), np.bool_, len(values))
    return np.zeros(len(values), np.bool_)


def _numbers(values: NDArray[Any]) -> NDArray[np.float64]:
    return np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=np.inf, neginf=-np.inf)


def _sum(values: NDArray[Any]) -> float:
    return float(_numbers(values).sum())


def _position(values: NDArray[Any], keys: NDArray[Any]) -> NDArray[np.intp]:
    """Return where in the sorted ``keys`` each value is, or would be."""
    return np.minimum(np.searchsorted(keys, values), max(len(keys) - 1, 0))


def _among(values: NDArray[Any], keys: NDArray[Any]) -> NDArray[np.bool_]:
    if not len(keys):
        return np.zeros(len(values), np.bool_)
    return np.asarray(keys[_position(values, keys)] == values, np.bool_)
