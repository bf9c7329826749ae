"""Files of any other format: bytes of which nothing is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from pe_dvc.documents.table_schema import FileShape
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.adapters.tables.data_file import DataFile
    from pe_dvc.documents.places import Place


def describe(file: DataFile) -> FileShape:
    """Return a shape of which only the format's name is known. Raises NotFoundError for no file."""
    with file.open():
        return FileShape(format="opaque")


def read_columns(file: DataFile, places: Sequence[Place]) -> NoReturn:
    """Raise FormatError: there are no tables. For every format that has none."""
    raise FormatError(
        f"has no table to read {places[0].column!r} of",
        where=file.label,
        remedy="Name columns of datasets that have tables.",
    )
