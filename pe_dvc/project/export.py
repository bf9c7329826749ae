"""Writes a table of a dataset for other programs, with the labels of its codebook."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pe_dvc.adapters.tables.data_file import DataFile
from pe_dvc.adapters.tables.export_columns import Export
from pe_dvc.documents.disclosure import Disclosure
from pe_dvc.documents.table_schema import Hints
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.names import say_which_there_are
from pe_dvc.primitives.result import Result
from pe_dvc.store.atomic_write import open_new
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.disk import writing_to
from pe_dvc.store.local_copies import check_output
from pe_dvc.store.plain_files import open_to_read
from pe_dvc.store.scratch import scratch_directory

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import BinaryIO

    from pe_dvc.documents.dataset import Dataset, DescribedColumn
    from pe_dvc.documents.manifest import Table
    from pe_dvc.primitives.reference import Reference
    from pe_dvc.project.reader import Reader

SUFFIXES = tuple(f".{name}" for name in ("dta", "sav", "csv", "parquet"))


@dataclass(frozen=True, kw_only=True)
class Exported(Result):
    """A file that was written. ``renamed`` are columns whose name the format does not take."""

    path: Path
    reference: str
    table: str
    period: str | None
    rows: int
    columns: int
    renamed: dict[str, str] = field(default_factory=dict)


def export(
    reader: Reader,
    reference: Reference,
    output: Path,
    *,
    table: str | None = None,
    period: str | None = None,
    columns: Sequence[str] = (),
) -> Exported:
    """Write one table of what a reference means to a file (``pe_dvc.export``)."""
    if output.suffix.lower() not in SUFFIXES:
        raise FormatError(
            f"{output.suffix or 'no suffix'} is no format that is written",
            where=str(output),
            remedy=f"Name a file that ends in {', '.join(SUFFIXES)}.",
        )
    check_output(output)
    found = reader.describe(reader.resolve(reference))
    dataset = found.dataset
    chosen = _table(dataset, table)
    when = _period(chosen, period)
    wanted = _columns(dataset, chosen, when, columns)
    path = reader.fetch(found.resolved)
    rule = Disclosure(access=dataset.access)
    hints = Hints(types={column.name: column.column.type for column in wanted})
    what = Export(
        file=DataFile(path=path, label=str(reference), rule=rule, hints=hints),
        format=dataset.manifest.table.format,
        table=chosen.name,
        period=when,
        columns=wanted,
        pin=dataset.pin,
        title=f"{dataset.name} {dataset.version}",
    )
    output = output.absolute()
    rows, renamed = _write(what, output)
    return Exported(
        path=output,
        reference=dataset.pin,
        table=chosen.name,
        period=when,
        rows=rows,
        columns=len(wanted),
        renamed=renamed,
    )


def _write(what: Export, output: Path) -> tuple[int, dict[str, str]]:
    with (
        writing_to(output),
        ConfinedTree(output.parent).replacing(output.name) as (folder, new),
        open_new(new, folder=folder) as file,
    ):
        if output.suffix.lower() in (".dta", ".sav"):
            return _write_labelled(what, output.suffix.lower(), file)
        from pe_dvc.adapters.tables.table_writer import write_csv, write_parquet

        write = write_csv if output.suffix.lower() == ".csv" else write_parquet
        return write(what, file), {}


def _write_labelled(what: Export, suffix: str, file: BinaryIO) -> tuple[int, dict[str, str]]:
    """Write what pyreadstat writes: it takes a path, and knows nothing of links there."""
    from pe_dvc.adapters.tables.labelled_writer import write_spss, write_stata

    write = write_stata if suffix == ".dta" else write_spss
    with scratch_directory() as scratch:
        path = scratch / f"export{suffix}"
        found = write(what, path)
        with open_to_read(path) as written:
            shutil.copyfileobj(written, file)
    return found


def _table(dataset: Dataset, name: str | None) -> Table:
    tables = dataset.manifest.table.tables
    names = [table.name for table in tables]
    if name is not None:
        for table in tables:
            if table.name == name:
                return table
        raise NotFoundError(
            f"{dataset.name} has no table {name!r}", remedy=say_which_there_are(name, names)
        )
    if len(tables) != 1:
        which = f"Name one of its tables with --table: {', '.join(names)}."
        raise FormatError(
            f"{dataset.name} has {len(tables) or 'no'} tables, and a file is of one",
            remedy=which if tables else "Get the file as it is: pe-dvc get.",
        )
    return tables[0]


def _period(table: Table, period: str | None) -> str | None:
    periods = list(table.periods)
    if period is None and len(periods) > 1:
        raise FormatError(
            f"{table.name} has several periods, and a file is of one",
            remedy=f"Name one of them with --period: {', '.join(periods)}.",
        )
    if period is not None and period not in periods:
        raise NotFoundError(
            f"{table.name} has no period {period!r}", remedy=say_which_there_are(period, periods)
        )
    return period or (periods[0] if periods else None)


def _columns(
    dataset: Dataset, table: Table, period: str | None, names: Sequence[str]
) -> list[DescribedColumn]:
    """Return the columns to write: those that were named, else all of the period."""
    there = {
        column.name: column for column in dataset.columns_of(table) if column.column.is_in(period)
    }
    for name in names:
        if name not in there:
            raise NotFoundError(
                f"{table.name} has no column {name!r}",
                remedy=say_which_there_are(name, list(there)),
            )
    return [there[name] for name in dict.fromkeys(names)] if names else list(there.values())
