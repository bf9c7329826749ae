"""The formats whose tables are described: one row of a table for each, and one module.

Everything that depends on a file's format asks here. CONTRIBUTING.md, "A new file format".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pe_dvc.primitives.errors import FormatError
from pe_dvc.store.plain_files import open_to_read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pe_dvc.documents.disclosure import Disclosure
    from pe_dvc.documents.table_schema import FileShape


class TableReader(Protocol):
    """What a format's module does. ``name`` is what messages call the file.

    ``rule`` decides what they may say of it: every message about values is made by ``faults``.
    """

    def describe(
        self,
        path: Path,
        *,
        keys: Mapping[str, str],
        columns: Mapping[str, str],
        name: str,
        rule: Disclosure,
    ) -> FileShape:
        """Return the tables of a file, having read no more than it must.

        ``keys`` gives the key of each declared entity, ``columns`` the entity of columns that
        were declared one by one: for formats that do not tell themselves. Raises FormatError for
        an incomplete file, NotFoundError for none.
        """
        ...

    def check_key(
        self, path: Path, table: str, key: str, *, where: str, name: str, rule: Disclosure
    ) -> None:
        """Check that a table's key has no null and no value twice. Raises FormatError.

        ``where`` is the declaration that makes it a key.
        """
        ...

    def read_columns(
        self, path: Path, table: str, columns: Sequence[str], *, name: str, rule: Disclosure
    ) -> Iterator[list[NDArray[Any]]]:
        """Yield the values of some columns of a table, a batch of rows at a time.

        A null is NaN among numbers, and None among anything else. Raises FormatError for a
        column that is not there, or is not one value a row.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Format:
    """A row: ``name`` is the format's in a manifest, ``magic`` what its files begin with.

    ``reader`` imports the module, and the library that it needs.
    """

    name: str
    suffixes: tuple[str, ...]
    magic: bytes
    media_type: str
    reader: Callable[[], TableReader]


def _parquet() -> TableReader:
    from pe_dvc.adapters.tables import parquet

    return parquet


def _hdf5() -> TableReader:
    from pe_dvc.adapters.tables import hdf5

    return hdf5


FORMATS = (
    Format(
        name="parquet",
        suffixes=(".parquet",),
        magic=b"PAR1",
        media_type="application/vnd.apache.parquet",
        reader=_parquet,
    ),
    Format(
        name="hdf5",
        suffixes=(".h5", ".hdf5"),
        magic=b"\x89HDF\r\n\x1a\n",
        media_type="application/x-hdf5",
        reader=_hdf5,
    ),
)


def format_of(path: Path, *, name: str, where: str) -> Format:
    """Return the format of a file: by how it begins, else by the suffix of ``name``.

    ``name`` is its path in the repo, and ``where`` the declaration of that. Raises FormatError
    for a format that is not in the table.
    """
    head = _head(path)
    by_magic = (found for found in FORMATS if found.magic and head.startswith(found.magic))
    by_suffix = (found for found in FORMATS if name.lower().endswith(found.suffixes))
    found = next(by_magic, None) or next(by_suffix, None)
    if found is None:
        known = ", ".join(suffix for one in FORMATS for suffix in one.suffixes)
        raise FormatError(
            f"{name} is not in a format that pe_dvc can describe",
            where=where,
            remedy=f"Write the dataset as one of {known}.",
        )
    return found


def format_named(name: str, *, where: str) -> Format:
    """Return the format that a manifest calls ``name``. Raises FormatError for an unknown one."""
    for found in FORMATS:
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
