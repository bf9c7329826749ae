"""Writes exports for Stata and SPSS, with variable and value labels. Knows pyreadstat and pandas.

Both formats are written from one frame, so that the table must fit into memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pe_dvc.adapters.tables.export_columns import EXACT
from pe_dvc.documents.export_names import SPSS, STATA, NameRule, cut, fitting_names
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from pe_dvc.adapters.tables.export_columns import Export
    from pe_dvc.documents.codebook import Variable
    from pe_dvc.documents.dataset import DescribedColumn

LONG = 2_147_483_620
"""The largest number of Stata's type ``long``."""


def write_stata(export: Export, path: Path) -> tuple[int, dict[str, str]]:
    """Write a .dta of Stata 14 and later; return the rows, and names that had to change."""
    import pyreadstat

    return _write(export, path, STATA, pyreadstat.write_dta)


def write_spss(export: Export, path: Path) -> tuple[int, dict[str, str]]:
    """Write a compressed .sav; return the rows, and names that had to change."""
    import pyreadstat

    return _write(export, path, SPSS, pyreadstat.write_sav)


def _write(export: Export, path: Path, rule: NameRule, write: Any) -> tuple[int, dict[str, str]]:
    import pandas as pd

    names = fitting_names(export.names, rule)
    columns, labels = {}, {}
    for column, values in zip(export.columns, _whole(export), strict=True):
        name = names[column.name]
        columns[name], coded = _coded(values, column, export.file.label)
        if coded:
            labels[name] = {value: cut(text, rule.value_label) for value, text in coded.items()}
    frame = pd.DataFrame(columns)
    texts = {
        names[column.name]: cut(_label(column, names[column.name]), rule.label)
        for column in export.columns
    }
    write(
        frame,
        str(path),
        file_label=cut(export.title, STATA.label),
        column_labels=texts,
        variable_value_labels=labels,
    )
    return len(frame), {name: new for name, new in names.items() if name != new}


def _whole(export: Export) -> list[NDArray[Any]]:
    batches = list(export.batches())
    if not batches:
        return [np.empty(0) for _ in export.columns]
    return [np.concatenate(parts) for parts in zip(*batches, strict=True)]


def _label(column: DescribedColumn, name: str) -> str:
    """Return a variable's label: with its unit, or its name where that had to change."""
    variable = column.variable
    text = variable.label or (column.name if name != column.name else "")
    return f"{text} [{variable.unit}]" if text and variable.unit else text


def _coded(values: NDArray[Any], column: DescribedColumn, label: str) -> tuple[Any, dict[Any, str]]:
    """Return the values as the formats hold them, and labels of values."""
    known = column.variable.values
    if values.dtype.kind in "OSU":
        texts = [each.decode() if isinstance(each, bytes) else each for each in values]
        return _texts(texts, column.variable) if known else (_text_column(texts), {})
    if values.dtype.kind == "b":
        values = values.astype(np.int8)
    coded = {
        int(each.value): each.label
        for each in known
        if not isinstance(each.value, str) and float(each.value).is_integer()
    }
    if values.dtype.kind == "f":
        return np.where(np.isfinite(values), values, np.nan), coded
    if values.dtype.kind in "iu":
        return _whole_numbers(values, column.name, label), coded
    return values, {}  # times


def _whole_numbers(values: NDArray[Any], name: str, label: str) -> NDArray[Any]:
    """Return whole numbers as 32 bits, else as floating point that is exact."""
    if not len(values) or (values.min() >= -LONG and values.max() <= LONG):
        return values.astype(np.int32)
    if values.max() >= EXACT or values.min() <= -EXACT:
        raise FormatError(
            f"the column {name!r} has whole numbers beyond 2**53: Stata and SPSS hold none",
            where=label,
            remedy="Export to .parquet or .csv, or name the columns to export with --column.",
        )
    return values.astype(np.float64)


def _texts(texts: list[Any], variable: Variable) -> tuple[Any, dict[Any, str]]:
    """Return texts that have labels as the numbers 1, 2, … in the order of the codebook.

    A text that it does not have gets the next number, and itself as the label.
    """
    labels = {str(each.value): each.label for each in variable.values}
    others = sorted({text for text in texts if text is not None and str(text) not in labels})
    numbers = {text: n for n, text in enumerate([*labels, *map(str, others)], 1)}
    codes = [np.nan if text is None else numbers[str(text)] for text in texts]
    return np.array(codes), {n: labels.get(text, text) for text, n in numbers.items()}


def _text_column(texts: list[Any]) -> Any:
    import pandas as pd

    if all(text is None or isinstance(text, str) for text in texts):
        return pd.Series(["" if text is None else text for text in texts], dtype="str")
    return pd.Series(texts)  # dates
