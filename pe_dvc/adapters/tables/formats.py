"""The formats that are described: one row of a table for each, and one module.

Everything that depends on a file's format asks here. CONTRIBUTING.md, "A new file format".
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from pe_dvc.primitives.errors import FormatError
from pe_dvc.store.plain_files import open_to_read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pe_dvc.adapters.tables.data_file import Batch, DataFile
    from pe_dvc.documents.places import Place
    from pe_dvc.documents.table_schema import FileShape


class TableReader(Protocol):
    """What a format's module does. Every message about values is made by ``faults``."""

    def describe(self, file: DataFile) -> FileShape:
        """Return what is in a file, having read no more than it must.

        What is not described is named among the members, with the reason. Raises FormatError for
        an incomplete file, NotFoundError for none.
        """
        ...

    def read_columns(self, file: DataFile, places: Sequence[Place]) -> Iterator[Batch]:
        """Yield the values of some columns of a table, a batch of rows at a time.

        A null is NaN among numbers, and None among anything else. Raises FormatError for a
        column that is not there, or is not one value a row.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Format:
    """A row: ``name`` is the format's in a manifest, ``module`` the one that reads it.

    ``magic`` is what its files begin with. Where ``by_suffix``, files of other formats begin so as
    well, and the name decides.
    """

    name: str
    module: str
    media_type: str
    suffixes: tuple[str, ...] = ()
    magic: bytes = b""
    by_suffix: bool = False

    def reader(self) -> TableReader:
        """Return the module, and import the library that it needs."""
        return cast("TableReader", import_module(f"pe_dvc.adapters.tables.{self.module}"))


FORMATS = (
    Format(
        name="parquet",
        module="parquet",
        suffixes=(".parquet",),
        magic=b"PAR1",
        media_type="application/vnd.apache.parquet",
    ),
    Format(
        name="hdf5",
        module="hdf5",
        suffixes=(".h5", ".hdf5"),
        magic=b"\x89HDF\r\n\x1a\n",
        media_type="application/x-hdf5",
    ),
    Format(
        name="sqlite",
        module="sqlite",
        suffixes=(".sqlite", ".sqlite3", ".db"),
        magic=b"SQLite format 3\x00",
        media_type="application/vnd.sqlite3",
    ),
    Format(
        name="npy",
        module="numpy_file",
        suffixes=(".npy",),
        magic=b"\x93NUMPY",
        media_type="application/x-npy",
    ),
    Format(
        name="npz",
        module="numpy_file",
        suffixes=(".npz",),
        magic=b"PK\x03\x04",
        by_suffix=True,
        media_type="application/x-npz",
    ),
    Format(name="csv", module="csv_text", suffixes=(".csv",), media_type="text/csv"),
    Format(
        name="csv.gz",
        module="csv_text",
        suffixes=(".csv.gz",),
        magic=b"\x1f\x8b",
        by_suffix=True,
        media_type="application/gzip",
    ),
    Format(name="json", module="json_text", suffixes=(".json",), media_type="application/json"),
    Format(
        name="jsonl",
        module="json_lines",
        suffixes=(".jsonl", ".ndjson"),
        media_type="application/x-ndjson",
    ),
)

OPAQUE = Format(name="opaque", module="opaque", media_type="application/octet-stream")
"""Any other format."""

DIRECTORY = Format(name="directory", module="directory", media_type="inode/directory")
"""A directory of files, of which the list of its members tells."""

MEDIA_TYPES = {
    ".txt": "text/plain",
    ".md": "text/markdown",
    ".tsv": "text/tab-separated-values",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".geojson": "application/geo+json",
    ".zip": "application/zip",
    ".gz": "application/gzip",
    ".pdf": "application/pdf",
    ".png": "image/png",
}
"""Of files that are not described, by their suffix."""


def format_of(path: Path, *, name: str) -> Format:
    """Return the format of a file: by how it begins, else by the suffix of ``name``.

    ``name`` is its path in the repo.
    """
    if path.is_dir():
        return DIRECTORY
    head = _head(path)
    suffixed = [found for found in FORMATS if name.lower().endswith(found.suffixes)]
    decided = [f for f in FORMATS if f.magic and not f.by_suffix and head.startswith(f.magic)]
    # Of ".csv" and ".csv.gz" both may fit by suffix; then the longer one does.
    return next(iter(decided or suffixed), OPAQUE)


def media_type_of(found: Format, name: str) -> str:
    """Return the media type of a file that is of the format ``found``, and is called ``name``."""
    suffix = f".{name.lower().rpartition('.')[2]}"
    return MEDIA_TYPES.get(suffix, found.media_type) if found is OPAQUE else found.media_type


def format_named(name: str, *, where: str) -> Format:
    """Return the format that a manifest calls ``name``. Raises FormatError for an unknown one."""
    for found in (*FORMATS, OPAQUE, DIRECTORY):
        if found.name == name:
            return found
    raise FormatError(
        f"is of the format {name!r}, which this version of pe_dvc does not read",
        where=where,
        remedy="Use a newer pe_dvc.",
    )


def _head(path: Path) -> bytes:
    try:
        with open_to_read(path) as file:
            return file.read(max(len(found.magic) for found in FORMATS))
    except (OSError, FormatError):
        return b""  # the format's reader says what is wrong with the file
