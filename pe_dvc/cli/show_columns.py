"""The entities and columns of a dataset as ``pe-dvc show`` prints them, with what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.cli.output import echo
from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.primitives.names import say_which_there_are

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pe_dvc.documents.dataset import Dataset, DescribedColumn
    from pe_dvc.documents.manifest import Table

SHOWN_VALUES = 20


def print_entities(dataset: Dataset) -> None:
    """Print the entities as a tree: rows, key and references of each."""
    rows = {table.entity: table.rows for table in dataset.manifest.table.tables if table.entity}
    entities = dataset.manifest.table.entities
    if entities:
        echo()
    for lead, name in dataset.entity_tree:
        entity, text = entities[name], dataset.codebook.entity(name)
        label = f" ({text.label})" if text.label and text.label.lower() != name.lower() else ""
        count = f"{rows[name]:,} rows, " if name in rows else ""
        references = "".join(f", {other} by {by}" for other, by in entity.references.items())
        echo(f"{lead}{name}{label}: {count}key {entity.key}{references}")


def print_table(dataset: Dataset, table: Table) -> None:
    """Print the columns of a table by entity, each with its label, its unit and its type."""
    echo()
    of = f" of {table.entity}" if table.entity else ""
    periods = "".join(f"; {period}: {rows:,}" for period, rows in table.periods.items())
    echo(f"{table.name}: {table.rows:,} rows{of}, {len(table.columns)} columns{periods}")
    if table.content_sha256 is not None:
        echo(f"  values sha256:{table.content_sha256}")
    by_entity: dict[str | None, list[DescribedColumn]] = {}
    for column in dataset.columns_of(table):
        own = column.column.entity
        by_entity.setdefault(own if own != table.entity else None, []).append(column)
    width = max((len(column.name) for column in table.columns), default=0)
    for entity, columns in sorted(by_entity.items(), key=lambda item: item[0] or ""):
        if entity is not None:
            echo(f"  columns of {entity}")
        _print_columns(columns, width)


def print_column(dataset: Dataset, name: str) -> None:
    """Print all that is known of a column, in each table that has it. Raises NotFoundError."""
    found = [column for column in dataset.columns if column.name == name]
    if not found:
        names = [column.name for column in dataset.columns]
        raise NotFoundError(
            f"{dataset.name} has no column {name!r}", remedy=say_which_there_are(name, names)
        )
    for number, column in enumerate(found):
        if number:
            echo()
        for label, text in _facts(dataset, column):
            echo(f"{label:<12} {text}")


def _print_columns(columns: Iterable[DescribedColumn], width: int) -> None:
    for described in columns:
        column, variable = described.column, described.variable
        nullable = "" if column.nullable else ", not null"
        own = "" if column.periods is None else f"  in {', '.join(column.periods) or 'no period'}"
        unit = f" [{variable.unit}]" if variable.unit else ""
        meaning = f"  {variable.label or ''}{unit}" if variable.label or unit else ""
        echo(f"  {column.name:<{width}}  {column.type}{nullable}{meaning}{own}")


def _facts(dataset: Dataset, column: DescribedColumn) -> list[tuple[str, str]]:
    variable, table = column.variable, column.table
    nullable = "" if column.column.nullable else ", not null"
    facts = [
        ("column", column.name),
        ("label", variable.label),
        ("unit", variable.unit),
        ("description", variable.description),
        ("entity", column.entity),
        ("table", f"{table.name}, {table.rows:,} rows"),
        ("type", f"{column.column.type}{nullable}"),
        ("periods", ", ".join(column.column.periods or table.periods)),
        ("period", variable.period),
        ("quantity", variable.quantity),
        ("weight", "it is the weight" if column.name == dataset.manifest.table.weight else None),
        *(("value", f"{coded.value}: {coded.label}") for coded in variable.values[:SHOWN_VALUES]),
        *_more(len(variable.values) - SHOWN_VALUES),
        *(("reference", reference) for reference in variable.references),
        ("said by", ", ".join(f"{s.name} {s.version}" for s in dataset.codebook.sources)),
    ]
    return [(label, text) for label, text in facts if text]


def _more(count: int) -> list[tuple[str, str]]:
    return [("", f"and {count} values more: --json has all")] if count > 0 else []
