"""Numbers about the columns of a dataset's file, streamed: what the gates of promotion ask for.

A batch of rows at a time. Beyond that only the keys of an entity that others refer to are held,
with their weights: 16 bytes for each of its units.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from pe_dvc.adapters.tables.data_file import DataFile
from pe_dvc.adapters.tables.duplicates import find_repeated
from pe_dvc.adapters.tables.faults import shielded
from pe_dvc.adapters.tables.filtered import CellSums, rows_of
from pe_dvc.adapters.tables.formats import format_named
from pe_dvc.adapters.tables.key_check import missing
from pe_dvc.documents.disclosure import GATED, Count, Orphans, Total, Value
from pe_dvc.documents.table_schema import Hints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pe_dvc.adapters.tables.data_file import Batch
    from pe_dvc.documents.disclosure import Disclosure, Repeated
    from pe_dvc.documents.places import Link, Place
    from pe_dvc.documents.row_filter import Asked, Condition

Answer = TypeVar("Answer")


class ColumnData:
    """The columns of the file ``path``, of the format that its manifest calls ``kind``.

    ``label`` is what messages call the file, ``rule`` what they may say of it. Raises FormatError
    and NotFoundError of the reader.
    """

    def __init__(
        self,
        path: Path,
        kind: str,
        label: str,
        rule: Disclosure = GATED,
        hints: Hints | None = None,
    ) -> None:
        self._file = DataFile(path=path, label=label, rule=rule, hints=hints or Hints())
        self._reader = format_named(kind, where=label).reader()

    def nulls(self, place: Place) -> Count:
        """Return how many values are missing; what is not a number counts."""
        return self._count(place, "null", missing)

    def repeated(self, place: Place) -> Repeated | None:
        """Return what occurs more than once, None if nothing does."""

        def ask() -> Repeated | None:
            rows = sum(len(values) for (values,) in self._batches(place))
            return find_repeated(lambda: (values for (values,) in self._batches(place)), rows)

        return self._ask(ask)

    def orphans(self, link: Link) -> Orphans | None:
        """Return which rows name a key that is not there, None if none does."""

        def ask() -> Orphans | None:
            keys = np.sort(self._whole(link.key))
            rows = unknown = 0
            example: list[Any] = []
            for (values,) in self._batches(link.reference):
                strange = values[~_among(values, keys)]
                rows, unknown = rows + len(values), unknown + len(strange)
                example = example or strange[:1].tolist()
            return Orphans(Count(unknown, "row", of=rows), Value(example[0])) if example else None

        return None if link.reference == link.key else self._ask(ask)

    def least(self, place: Place) -> Value | None:
        """Return the least value, None for no rows."""

        def ask() -> Value | None:
            found = [float(np.nanmin(v)) for (v,) in self._batches(place) if not missing(v).all()]
            return Value(min(found)) if found else None

        return self._ask(ask)

    def below(self, place: Place, bound: float, *, or_equal: bool = False) -> Count:
        """Return how many values are less than ``bound``, or equal to it if ``or_equal``."""

        def is_below(values: NDArray[Any]) -> NDArray[np.bool_]:
            numbers = values.astype(np.float64)
            return np.asarray(numbers <= bound if or_equal else numbers < bound, np.bool_)

        return self._count(place, "row", is_below)

    def total(self, place: Place, weight: Place | None, link: Link | None) -> Total:
        """Return the sum, weighted where there is a weight; ``link`` leads to its table.

        What is missing adds nothing.
        """

        def ask() -> Total:
            sums, carriers = [], 0
            for parts in self._parts(place, weight, link):
                numbers = _numbers(parts)
                sums.append(float(numbers.sum()))
                carriers += int(np.count_nonzero(numbers))
            return Total(math.fsum(sums), carriers=carriers)

        return self._ask(ask)

    def chosen(
        self,
        place: Place,
        weight: Place | None,
        link: Link | None,
        asked: Sequence[Asked],
    ) -> Sequence[Total]:
        """Return statistics of the rows that filters choose; weighted as ``total``."""

        def ask() -> Sequence[Total]:
            sums = CellSums()
            by = weight if link is None else link.reference
            wheres = (where for one in asked for where in one.conditions)
            places = list(dict.fromkeys([place, *([by] if by else []), *wheres]))
            weights_of = self._weights_by(weight, link)
            for batch in self._batches(*places):
                read = dict(zip(places, batch, strict=True))
                chosen = [_chosen(read, one.conditions, len(read[place])) for one in asked]
                sums.add(read[place], weights_of(read[by or place]), chosen)
            return sums.found().figures(asked, self._file.rule.minimum_carriers)

        return self._ask(ask)

    def _weights_by(
        self, weight: Place | None, link: Link | None
    ) -> Callable[[NDArray[Any]], NDArray[np.float64]]:
        """Return what gives the weights of rows, by their weights or their references."""
        if weight is None:
            return lambda rows: np.ones(len(rows))
        if link is None:
            return _numbers
        keys, weights = self._whole(link.key), _numbers(self._whole(weight))
        order = np.argsort(keys, kind="stable")
        keys, weights = keys[order], weights[order]
        return lambda references: weights[_position(references, keys)]

    def _parts(
        self, place: Place, weight: Place | None, link: Link | None
    ) -> Iterator[NDArray[Any]]:
        """Yield what each row adds to a total."""
        if weight is None:
            yield from (values for (values,) in self._batches(place))
        else:
            weights_of = self._weights_by(weight, link)
            for values, by in self._batches(place, link.reference if link else weight):
                yield _numbers(values) * weights_of(by)

    def _count(
        self, place: Place, noun: str, chosen: Callable[[NDArray[Any]], NDArray[np.bool_]]
    ) -> Count:
        def ask() -> Count:
            count = rows = 0
            for (values,) in self._batches(place):
                count, rows = count + int(chosen(values).sum()), rows + len(values)
            return Count(count, noun, of=rows)

        return self._ask(ask)

    def _ask(self, ask: Callable[[], Answer]) -> Answer:
        return shielded(ask, label=self._file.label, rule=self._file.rule)

    def _whole(self, place: Place) -> NDArray[Any]:
        parts = [values for (values,) in self._batches(place)]
        return np.concatenate(parts) if parts else np.empty(0)

    def _batches(self, *places: Place) -> Iterator[Batch]:
        return self._reader.read_columns(self._file, places)


def _chosen(
    read: Mapping[Place, NDArray[Any]], conditions: Mapping[Place, Condition], count: int
) -> NDArray[np.bool_]:
    """Return which of ``count`` rows keep to all conditions."""
    rows = np.ones(count, np.bool_)
    for where, condition in conditions.items():
        rows &= rows_of(read[where], condition, where.column)
    return rows


def _numbers(values: NDArray[Any]) -> NDArray[np.float64]:
    return np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=np.inf, neginf=-np.inf)


def _position(values: NDArray[Any], keys: NDArray[Any]) -> NDArray[np.intp]:
    """Return where in the sorted ``keys`` each value is, or would be."""
    return np.minimum(np.searchsorted(keys, values), max(len(keys) - 1, 0))


def _among(values: NDArray[Any], keys: NDArray[Any]) -> NDArray[np.bool_]:
    if not len(keys):
        return np.zeros(len(values), np.bool_)
    return np.asarray(keys[_position(values, keys)] == values, np.bool_)
