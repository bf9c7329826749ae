"""The content digest of tables: the same for the same values in another file. ADR 0017."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.adapters.tables.formats import format_named
from pe_dvc.adapters.tables.value_digest import ColumnDigest, UnsupportedTypeError
from pe_dvc.primitives.canonical import canonical_digest
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.adapters.tables.data_file import DataFile
    from pe_dvc.documents.manifest import Contents, Table
    from pe_dvc.documents.places import Place
    from pe_dvc.primitives.digest import Sha256

SCHEME = "pe-dvc-table-1"


def content_digests(file: DataFile, contents: Contents) -> dict[str, Sha256]:
    """Return the content digest of each table of a file that has one, by the table's name.

    Reads the whole file, a batch of rows at a time. A table has none if some of its values cannot
    be read, or are of a type that has no canonical form.
    """
    values = getattr(format_named(contents.format, where=file.label).reader(), "values", None)
    found: dict[str, Sha256] = {}
    if values is None:
        return found
    for table in contents.tables:
        digests: dict[Place, ColumnDigest] = {place: ColumnDigest() for place in _places(table)}
        try:
            for place, part in values(file, tuple(digests)):
                digests[place].add(part)
        except (UnsupportedTypeError, FormatError):
            continue
        found[table.name] = _table_digest(table, digests)
    return found


def _places(table: Table) -> Iterator[Place]:
    for column in table.columns:
        yield from table.places_of(column)


def _table_digest(table: Table, digests: dict[Place, ColumnDigest]) -> Sha256:
    columns: dict[str, dict[str, str]] = {}
    for place, digest in digests.items():
        columns.setdefault(place.period or "", {})[place.column] = digest.hexdigest()
    rows = dict(table.periods) or {"": table.rows}
    return canonical_digest({"scheme": SCHEME, "rows": rows, "columns": columns})
