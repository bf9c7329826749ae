"""What the readers of file formats are asked for, in one call each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.tables import hdf5, key_check
from pe_dvc.adapters.tables.data_file import DataFile
from pe_dvc.documents.disclosure import GATED
from pe_dvc.documents.manifest import Contents, Entity, Table
from pe_dvc.documents.places import Place
from pe_dvc.documents.table_schema import Hints

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pe_dvc.documents.disclosure import Disclosure
    from pe_dvc.documents.table_schema import FileShape


def describe(
    reader: Any,
    path: Path,
    *,
    keys: Mapping[str, str] | None = None,
    columns: Mapping[str, str] | None = None,
    types: Mapping[str, str] | None = None,
    name: str | None = None,
    rule: Disclosure = GATED,
) -> FileShape:
    """Return what a format's module finds in a file."""
    hints = Hints(keys=keys or {}, columns=columns or {}, types=types or {})
    file = DataFile(path=path, label=name or path.name, rule=rule, hints=hints)
    shape: FileShape = reader.describe(file)
    return shape


def check_key(
    reader: Any,
    path: Path,
    table: str,
    key: str,
    *,
    where: str,
    name: str | None = None,
    rule: Disclosure = GATED,
    period: str | None = None,
) -> None:
    """Check a key of a file of a format."""
    file = DataFile(path=path, label=name or path.name, rule=rule)
    place = Place(table=table, column=key, period=period)
    key_check.check_key(reader, file, place, where=where)


def values(reader: Any, path: Path, *places: Place) -> list[list[Any]]:
    """Return the values of some columns."""
    batches = list(reader.read_columns(DataFile(path=path, label=path.name), places))
    return [[v for batch in batches for v in batch[i].tolist()] for i in range(len(places))]


def core_households(path: Path) -> Contents:
    """Return what a manifest says of persons in weighted households, in core's layout."""
    keys = {"person": "person_id", "household": "household_id"}
    shape = describe(hdf5, path, keys=keys, columns={})
    entities = {
        "person": Entity(key="person_id", references={"household": "person_household_id"}),
        "household": Entity(key="household_id"),
    }
    tables = tuple(
        Table(name=str(t.name), rows=t.rows, entity=str(t.name), columns=t.columns)
        for t in shape.tables
    )
    return Contents(format="hdf5", tables=tables, entities=entities, weight="household_weight")
