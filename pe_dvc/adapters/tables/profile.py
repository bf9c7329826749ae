"""Profiles of files: each column is read once, a batch of rows at a time. ADR 0020.

What is held are the weights of one table's rows, and some columns at a time: as many as ``HELD``
bytes take, and one at least.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pe_dvc.adapters.tables.categories import Categories
from pe_dvc.adapters.tables.distribution import distribution_of
from pe_dvc.adapters.tables.formats import format_named
from pe_dvc.adapters.tables.key_check import missing
from pe_dvc.adapters.tables.profile_figures import number_figures, text_figures, weight_figures
from pe_dvc.documents.profile import Profile, TableProfile
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from pe_dvc.adapters.tables.data_file import DataFile
    from pe_dvc.documents.disclosure import Disclosure
    from pe_dvc.documents.places import Place
    from pe_dvc.documents.profile import ColumnProfile
    from pe_dvc.documents.profile_plan import ColumnPlan, TablePlan

HELD = 64 * 1024 * 1024
"""Bytes of columns that are read together: one pass of a text file gives that many."""


def profile_of(file: DataFile, kind: str, plans: Sequence[TablePlan]) -> Profile:
    """Return the profile of a file of the format ``kind``, as its rule of disclosure allows.

    A column that cannot be read is left out. Raises FormatError, NotFoundError for the file.
    """
    reader = _Reader(file, kind)
    rule = file.rule
    # What is too large for a sum, or no number, is left out of the profile.
    with np.errstate(all="ignore"):
        tables = tuple(reader.table(plan) for plan in plans)
    return Profile(access=rule.access, minimum_carriers=rule.minimum_carriers, tables=tables)


class _Reader:
    def __init__(self, file: DataFile, kind: str) -> None:
        self._file, self._rule = file, file.rule
        self._reader = format_named(kind, where=file.label).reader()

    def table(self, plan: TablePlan) -> TableProfile:
        weights = self._weights(plan)
        columns: dict[str, ColumnProfile] = {}
        for group in _groups(plan):
            columns |= self._group(group, plan, weights)
        weight = None
        if plan.weight is not None and weights is not None:
            weight = weight_figures(plan.weight.column, plan.via, weights, self._rule)
        order = [one.place.column for one in plan.columns]
        return TableProfile(
            name=plan.name,
            entity=plan.entity,
            period=plan.period,
            rows=plan.rows,
            weight=weight,
            columns={name: columns[name] for name in order if name in columns},
        )

    def _weights(self, plan: TablePlan) -> NDArray[np.float64] | None:
        """Return the weight of each row, found through the reference where that is elsewhere."""
        if plan.weight is None:
            return None
        (weights,) = self._whole([plan.weight])
        weights = np.nan_to_num(weights.astype(np.float64))
        if plan.link is None:
            return weights
        (keys,) = self._whole([plan.link.key])
        (references,) = self._whole([plan.link.reference])
        order = np.argsort(keys, kind="stable")
        at = np.searchsorted(keys, references, sorter=order)
        at = order[np.minimum(at, max(len(keys) - 1, 0))]
        return np.where(keys[at] == references, weights[at], 0.0)

    def _group(
        self, group: list[ColumnPlan], plan: TablePlan, weights: NDArray[np.float64] | None
    ) -> dict[str, ColumnProfile]:
        read = [_ColumnReader(one, None if one.place == plan.weight else weights) for one in group]
        try:
            for batch in self._reader.read_columns(self._file, [one.place for one in group]):
                for column, values in zip(read, batch, strict=True):
                    column.add(values)
        except FormatError:
            if len(group) == 1:
                return {}
            parts = (self._group([one], plan, weights) for one in group)
            return {name: found for part in parts for name, found in part.items()}
        return {column.name: column.profile(self._rule) for column in read}

    def _whole(self, places: Sequence[Place]) -> list[NDArray[Any]]:
        parts: list[list[NDArray[Any]]] = [[] for _ in places]
        for batch in self._reader.read_columns(self._file, places):
            for held, values in zip(parts, batch, strict=True):
                held.append(values)
        found = []
        for held in parts:
            found.append(np.concatenate(held) if held else np.empty(0))
            held.clear()
        return found


class _ColumnReader:
    """Takes a column's batches: numbers are held, texts are counted as they come."""

    def __init__(self, plan: ColumnPlan, weights: NDArray[np.float64] | None) -> None:
        self._plan, self._weights = plan, weights
        self._numbers: list[NDArray[Any]] = []
        self._texts = Categories()
        self._rows = self._nulls = 0

    @property
    def name(self) -> str:
        return self._plan.place.column

    def add(self, values: NDArray[Any]) -> None:
        start, self._rows = self._rows, self._rows + len(values)
        numbers = None if self._plan.is_key else _numbers(values)
        if numbers is not None:
            self._numbers.append(numbers)
            return
        gone = missing(values)
        self._nulls += int(gone.sum())
        if not self._plan.is_key and values.dtype.kind in "OSU":
            by = None if self._weights is None else self._weights[start : self._rows]
            self._texts.add(values[~gone], None if by is None else by[~gone])

    def profile(self, rule: Disclosure) -> ColumnProfile:
        entity = self._plan.entity
        held = sum(map(len, self._numbers))
        if held and held == self._rows:
            numbers = np.concatenate(self._numbers)
            self._numbers.clear()
            return number_figures(entity, distribution_of(numbers, self._weights), rule)
        texts = self._texts if not held and not self._plan.is_key else None
        return text_figures(entity, texts, self._nulls, self._rows, rule)


def _groups(plan: TablePlan) -> Iterator[list[ColumnPlan]]:
    size = max(1, HELD // (8 * max(plan.rows, 1)))
    columns = list(plan.columns)
    for start in range(0, len(columns), size):
        yield columns[start : start + size]


def _numbers(values: NDArray[Any]) -> NDArray[Any] | None:
    """Return numbers, None for texts: truth values are 0 and 1, and may have missing ones."""
    if values.dtype.kind == "b":
        return values.astype(np.uint8)
    if values.dtype.kind != "O":
        return values if values.dtype.kind in "iuf" else None
    gone = missing(values)
    there = values[~gone]
    if not len(there) or not isinstance(there[0], bool | np.bool_):
        return None
    numbers = np.full(len(values), np.nan)
    numbers[~gone] = there.astype(np.float64)
    return numbers
