"""Profiles of files: each column is read once, a batch of rows at a time. ADR 0020.

What is held does not grow with the rows: ``TOGETHER`` rows of some columns, as many as ``HELD``
bytes take. The rest lies in files without a name.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import numpy as np

from pe_dvc.adapters.tables.categories import Categories
from pe_dvc.adapters.tables.formats import format_named
from pe_dvc.adapters.tables.key_check import missing
from pe_dvc.adapters.tables.number_column import TOGETHER, NumberColumn
from pe_dvc.adapters.tables.profile_figures import number_figures, text_figures
from pe_dvc.adapters.tables.profile_weights import Weights
from pe_dvc.adapters.tables.weight_figures import weight_figures
from pe_dvc.documents.profile import Profile, TableProfile
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from pe_dvc.adapters.tables.data_file import DataFile
    from pe_dvc.documents.disclosure import Disclosure
    from pe_dvc.documents.profile import ColumnProfile, WeightProfile
    from pe_dvc.documents.profile_plan import ColumnPlan, TablePlan

HELD = 64 * 1024 * 1024
"""Bytes of columns that are read together: one pass of a text file gives that many."""
_TEXTS = ("csv", "csv.gz", "json", "jsonl")
"""Formats of which a pass reads all columns, whichever are asked for: few passes, so."""


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
        self._file, self._kind, self._rule = file, kind, file.rule
        self._reader = format_named(kind, where=file.label).reader()

    def table(self, plan: TablePlan) -> TableProfile:
        columns: dict[str, ColumnProfile] = {}
        weight: WeightProfile | None = None
        with closing(Weights()) as held:
            weights = self._weights(plan, held)
            for group in _groups(plan, self._kind):
                columns |= self._group(group, plan, weights)
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

    def _weights(self, plan: TablePlan, held: Weights) -> Weights | None:
        """Return the weight of each row, found through the reference where that is elsewhere."""
        if plan.weight is None:
            return None
        if plan.link is None:
            held.take(self._reader, self._file, plan.weight)
        else:
            held.look_up(self._reader, self._file, plan.weight, plan.link)
        return held

    def _group(
        self, group: list[ColumnPlan], plan: TablePlan, weights: Weights | None
    ) -> dict[str, ColumnProfile]:
        try:
            return self._read(group, plan, weights)
        except FormatError:
            if len(group) == 1:
                return {}
            parts = (self._group([one], plan, weights) for one in group)
            return {name: found for part in parts for name, found in part.items()}

    def _read(
        self,
        group: list[ColumnPlan],
        plan: TablePlan,
        weights: Weights | None,
        *,
        codes: bool = True,
    ) -> dict[str, ColumnProfile]:
        with ExitStack() as opened:
            columns = [closing(_ColumnReader(one, codes=codes)) for one in group]
            read = [opened.enter_context(column) for column in columns]
            start = 0
            for batch in self._reader.read_columns(self._file, [one.place for one in group]):
                stop = start + len(batch[0])
                by = None if weights is None else weights.of(start, stop)
                for one, column, values in zip(group, read, batch, strict=True):
                    column.add(values, None if one.place == plan.weight else by)
                start = stop
            found = {column.name: column.profile(self._rule) for column in read}
        whole = {name: one for name, one in found.items() if one is not None}
        torn = [column for column in group if column.place.column not in whole]
        # What looked like codes for many rows, and is none, is read once more.
        return whole | self._read(torn, plan, weights, codes=False) if torn else whole


class _ColumnReader:
    """Takes a column's batches: numbers are counted or sorted, texts are counted as they come."""

    def __init__(self, plan: ColumnPlan, *, codes: bool) -> None:
        self._plan = plan
        self._numbers = NumberColumn(codes=codes)
        self._texts = Categories()
        self._rows = self._nulls = self._held = 0

    @property
    def name(self) -> str:
        return self._plan.place.column

    def add(self, values: NDArray[Any], by: NDArray[np.float64] | None) -> None:
        """Take a batch, with the weight of each row."""
        self._rows += len(values)
        numbers = None if self._plan.is_key else _numbers(values)
        if numbers is not None:
            self._held += len(numbers)
            self._numbers.add(numbers, by)
            return
        gone = missing(values)
        self._nulls += int(gone.sum())
        if not self._plan.is_key and values.dtype.kind in "OSU":
            self._texts.add(values[~gone], None if by is None else by[~gone])

    def close(self) -> None:
        """Let go of what was put aside."""
        self._numbers.close()

    def profile(self, rule: Disclosure) -> ColumnProfile | None:
        """Return the profile, None where the column is to be read again; it lets go of all."""
        entity = self._plan.entity
        with closing(self._numbers) as numbers:
            numbers.finish()
            if self._held and self._held == self._rows:
                return None if numbers.is_torn else number_figures(entity, numbers, rule)
        texts = self._texts if not self._held and not self._plan.is_key else None
        return text_figures(entity, texts, self._nulls, self._rows, rule)


def _groups(plan: TablePlan, kind: str) -> Iterator[list[ColumnPlan]]:
    rows = min(plan.rows, TOGETHER) if kind in _TEXTS else plan.rows
    size = max(1, HELD // (8 * max(rows, 1)))
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
