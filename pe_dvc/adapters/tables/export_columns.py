"""The columns of a table of a file, batch by batch, as an export writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pe_dvc.adapters.tables.faults import shielded
from pe_dvc.adapters.tables.formats import format_named
from pe_dvc.documents.places import Place
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from pe_dvc.adapters.tables.data_file import DataFile
    from pe_dvc.documents.codebook import Variable
    from pe_dvc.documents.dataset import DescribedColumn

EXACT = 2**53
"""Whole numbers beyond it are not exact as floating point."""


@dataclass(frozen=True, kw_only=True)
class Export:
    """What is exported: columns of one table of a file, in one period where it has several."""

    file: DataFile
    format: str
    table: str
    period: str | None
    columns: Sequence[DescribedColumn]
    pin: str
    title: str

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [column.name for column in self.columns]

    @property
    def variables(self) -> dict[str, Variable]:
        """What the columns mean, by their names."""
        return {column.name: column.variable for column in self.columns}

    def batches(self) -> Iterator[list[NDArray[Any]]]:
        """Yield the values, some rows at a time, in the order of the columns.

        A null is NaN among numbers and None among anything else. Raises FormatError for numbers
        that would not come out exactly, and as the format's reader.
        """
        reader = format_named(self.format, where=self.file.label).reader()
        places = [Place(table=self.table, column=name, period=self.period) for name in self.names]
        found = reader.read_columns(self.file, places)
        # A generator fails where it is asked for more: each batch is asked for under the shield.
        while True:
            batch = shielded(
                lambda: next(found, None),
                label=self.file.label,
                rule=self.file.rule,
                remedy="The file may be damaged, or of a form that cannot be exported.",
            )
            if batch is None:
                return
            for column, values in zip(self.columns, batch, strict=True):
                check_exact(column, values, self.file.label)
            yield batch


def check_exact(column: DescribedColumn, values: NDArray[Any], label: str) -> None:
    """Refuse whole numbers that became floating point beside nulls, and are too large for that."""
    if column.kind != "integer" or values.dtype.kind != "f":
        return
    with np.errstate(invalid="ignore"):
        large = bool((np.abs(values) >= EXACT).any())
    if large:
        raise FormatError(
            f"the column {column.name!r} has whole numbers beyond 2**53 beside missing values, "
            "which would not come out exactly",
            where=label,
            remedy="Leave it out: name the columns to export with --column.",
        )
