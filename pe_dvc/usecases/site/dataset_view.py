"""What a dataset's page says, ready for its template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.documents.citation import cite_bibtex, cite_text
from pe_dvc.usecases.site import places
from pe_dvc.usecases.site.differences import version_rows
from pe_dvc.usecases.site.entity_diagram import entity_diagram
from pe_dvc.usecases.site.figures import (
    figures_by_column,
    rows_text,
    shape_of,
    share_of_non_zero,
)
from pe_dvc.usecases.site.how_to_read import how_to_read
from pe_dvc.usecases.site.provenance import facts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.documents.dataset import Dataset, DescribedColumn
    from pe_dvc.documents.disclosure import Disclosure
    from pe_dvc.usecases.site.catalog import CatalogDataset
    from pe_dvc.usecases.site.differences import VersionRow
    from pe_dvc.usecases.site.entity_diagram import Diagram
    from pe_dvc.usecases.site.figures import Bars, Figures, Strip
    from pe_dvc.usecases.site.how_to_read import Snippet
    from pe_dvc.usecases.site.provenance import Fact


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """A table of the dataset: how many rows it has, by period where it has several."""

    name: str
    entity: str | None
    rows: str
    periods: tuple[tuple[str, str], ...]
    columns: int


@dataclass(frozen=True, kw_only=True)
class VariableRow:
    """A column, what it means, and what may be said of its values.

    ``file`` is the name of its page in the folder of all variables.
    """

    name: str
    file: str
    label: str | None
    unit: str | None
    type: str
    table: str
    non_zero: float | None
    shape: Strip | Bars | None


@dataclass(frozen=True, kw_only=True)
class EntityVariables:
    """The columns that describe one entity, or none that is known."""

    entity: str | None
    label: str | None
    variables: tuple[VariableRow, ...]


@dataclass(frozen=True, kw_only=True)
class LiveTable:
    """A public file that pages read themselves: its columns, and the one that weights rows."""

    columns: tuple[str, ...]
    weight: str | None


@dataclass(frozen=True, kw_only=True)
class DatasetView:
    """All that a dataset's page says."""

    dataset: Dataset
    reference: str
    tables: tuple[TableRow, ...]
    entities: tuple[EntityVariables, ...]
    facts: tuple[Fact, ...]
    versions: tuple[VersionRow, ...]
    snippets: tuple[Snippet, ...]
    citation: str
    bibtex: str
    has_figures: bool
    diagram: Diagram | None
    live: LiveTable | None


def dataset_view(
    entry: CatalogDataset, bucket_url: str | None, *, has_scripts: bool = False
) -> DatasetView | None:
    """Return what a page says, None of a dataset that was withdrawn or could not be read.

    ``has_scripts`` says that pages can read parquet files.
    """
    current = entry.current
    dataset = current.dataset
    if dataset is None:
        return None
    reference = f"pe-data://{entry.country}/{entry.name}@{entry.channel}"
    readable = bucket_url if not current.rule.is_gated else None
    return DatasetView(
        dataset=dataset,
        reference=reference,
        tables=tuple(_tables(dataset, current.rule)),
        entities=tuple(_entities(dataset)),
        facts=facts_of(dataset),
        versions=version_rows(entry.versions),
        snippets=how_to_read(dataset, reference, readable),
        citation=cite_text(dataset),
        bibtex=cite_bibtex(dataset),
        has_figures=dataset.profile is not None,
        diagram=entity_diagram(dataset),
        live=_live_table(dataset) if has_scripts and readable is not None else None,
    )


def _live_table(dataset: Dataset) -> LiveTable | None:
    """Return what a page can tabulate: one parquet file that is one table."""
    contents, artifact = dataset.manifest.table, dataset.manifest.artifact
    if contents.format != "parquet" or artifact.is_directory or len(contents.tables) != 1:
        return None
    columns = tuple(column.name for column in contents.tables[0].columns)
    return LiveTable(
        columns=columns, weight=contents.weight if contents.weight in columns else None
    )


def _tables(dataset: Dataset, rule: Disclosure) -> Iterator[TableRow]:
    for table in dataset.manifest.table.tables:
        periods = ((period, rows_text(rows, rule)) for period, rows in table.periods.items())
        yield TableRow(
            name=table.name,
            entity=table.entity,
            rows=rows_text(table.rows, rule),
            periods=tuple(periods),
            columns=len(table.columns),
        )


def _entities(dataset: Dataset) -> Iterator[EntityVariables]:
    """Yield the columns by entity: in the order of the declared ones, then the others."""
    figures = figures_by_column(dataset.profile)
    by_entity: dict[str | None, list[VariableRow]] = {
        name: [] for name in dataset.manifest.table.entities
    }
    for column in dataset.columns:
        by_entity.setdefault(column.entity, []).append(_variable(column, figures))
    for entity, rows in by_entity.items():
        if rows:
            label = dataset.codebook.entity(entity).label if entity else None
            yield EntityVariables(entity=entity, label=label, variables=tuple(rows))


def _variable(column: DescribedColumn, figures: Figures) -> VariableRow:
    known = figures.get((column.table.name, column.name))
    return VariableRow(
        name=column.name,
        file=places.variable_page("", column.name).rpartition("/")[2],
        label=column.variable.label,
        unit=column.variable.unit,
        type=column.column.value_type,
        table=column.table.name,
        non_zero=share_of_non_zero(*known) if known else None,
        shape=shape_of(known[1]) if known else None,
    )
