"""Is a column a key? No null in it, and no value twice, whatever the format of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pe_dvc.adapters.tables.faults import not_unique, null_key
from pe_dvc.documents.disclosure import Count
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pe_dvc.adapters.tables.data_file import DataFile
    from pe_dvc.adapters.tables.formats import TableReader
    from pe_dvc.documents.places import Place


def check_key(reader: TableReader, file: DataFile, place: Place, *, where: str) -> None:
    """Check that a column has no null and no value twice. Raises FormatError, also for lists.

    Reads that column only, a batch of rows at a time. ``where`` is the declaration that makes it
    a key.
    """
    from pe_dvc.adapters.tables.duplicates import find_repeated

    def batches() -> Iterator[NDArray[Any]]:
        return (values for (values,) in reader.read_columns(file, [place]))

    rows = nulls = 0
    label, rule = file.label, file.rule
    for values in batches():
        if values.dtype.kind == "O" and any(isinstance(value, (list, dict)) for value in values):
            raise FormatError(
                f"the key {place.column!r} of {label} has lists or objects as values",
                where=where,
                remedy="Name a column of whole numbers or text.",
            )
        rows, nulls = rows + len(values), nulls + int(missing(values).sum())
    if nulls:
        remedy = "Give every row a key, or name another column."
        count = Count(nulls, "row", of=rows)
        raise null_key(count, place.column, label=label, where=where, remedy=remedy, rule=rule)
    found = find_repeated(batches, rows)
    if found is not None:
        key = place.column if place.period is None else f"{place.column}/{place.period}"
        remedy = "Name the column that tells one row from another, or fix the data."
        raise not_unique(found, key, label=label, where=where, remedy=remedy, rule=rule)


def missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which values are missing: no number among numbers, None and the like among others."""
    if values.dtype.kind == "f":
        return np.asarray(np.isnan(values), np.bool_)
    if values.dtype.kind in "mM":
        return np.asarray(np.isnat(values), np.bool_)
    if values.dtype.kind == "O":
        return np.fromiter((_is_missing(value) for value in values), np.bool_, len(values))
    return np.zeros(len(values), np.bool_)


def _is_missing(value: Any) -> bool:
    # pd.NA is neither equal to itself nor unequal: what cannot be compared is no value.
    try:
        return value is None or bool(value != value)
    except TypeError:
        return True
