"""Directories of files: what is in the files is not described."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.adapters.tables.opaque import read_columns
from pe_dvc.documents.table_schema import FileShape

if TYPE_CHECKING:
    from pe_dvc.adapters.tables.data_file import DataFile

__all__ = ["describe", "read_columns"]


def describe(file: DataFile) -> FileShape:
    """Return a shape of which only the format's name is known. Raises NotFoundError for none."""
    if not file.path.is_dir():
        raise file.missing()
    return FileShape(format="directory")
