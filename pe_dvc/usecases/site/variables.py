"""The variables of a country: what each means, which datasets have it, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.documents.codebook import Variable
from pe_dvc.primitives.sizes import amount_text
from pe_dvc.usecases.site.figures import figures_by_column, shape_of, share_of_non_zero

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.documents.dataset import DescribedColumn
    from pe_dvc.usecases.site.catalog import (
        Appearance,
        CatalogDataset,
        CountryCatalog,
        DatasetVersion,
    )
    from pe_dvc.usecases.site.figures import Bars, Figures, Strip

PICTURED_DATASETS = 20
PICTURED_VERSIONS = 5
"""Of how many datasets, and of how many versions of each, a page has figures of a variable."""


@dataclass(frozen=True, kw_only=True)
class VariableUse:
    """A column of a dataset. ``since`` is the first version that had it, where that is known."""

    dataset: str
    table: str
    entity: str | None
    type: str
    since: Appearance | None


@dataclass(frozen=True, kw_only=True)
class VariableFigures:
    """What may be said of a column in one version of a dataset."""

    dataset: str
    sha256: str
    seen: Appearance | None
    non_zero: float | None
    mean: str | None
    shape: Strip | Bars | None


@dataclass(frozen=True, kw_only=True)
class VariableView:
    """A variable: a name that columns of one or more datasets have."""

    name: str
    variable: Variable
    entities: tuple[str, ...]
    uses: tuple[VariableUse, ...]
    figures: tuple[VariableFigures, ...]


Use = tuple["CatalogDataset", "DescribedColumn"]


def variables_of(country: CountryCatalog) -> Iterator[VariableView]:
    """Yield the variables of a country's datasets, by name."""
    uses: dict[str, list[Use]] = {}
    for entry in country.datasets:
        dataset = entry.current.dataset
        for column in dataset.columns if dataset is not None else ():
            uses.setdefault(column.name, []).append((entry, column))
    versions = _Versions()
    for name in sorted(uses):
        yield _view(name, uses[name], versions)


class _Versions:
    """The columns and figures of versions, each looked up once."""

    def __init__(self) -> None:
        self._columns: dict[int, frozenset[str]] = {}
        self._figures: dict[int, Figures] = {}

    def columns(self, version: DatasetVersion) -> frozenset[str]:
        if id(version) not in self._columns:
            columns = version.dataset.columns if version.dataset is not None else ()
            self._columns[id(version)] = frozenset(column.name for column in columns)
        return self._columns[id(version)]

    def figures(self, version: DatasetVersion) -> Figures:
        if id(version) not in self._figures:
            profile = version.dataset.profile if version.dataset is not None else None
            self._figures[id(version)] = figures_by_column(profile)
        return self._figures[id(version)]


def _view(name: str, uses: list[Use], versions: _Versions) -> VariableView:
    known = (column.variable for _, column in uses)
    variable = next((one for one in known if one.label or one.description), Variable())
    entities = dict.fromkeys(column.entity for _, column in uses if column.entity)
    return VariableView(
        name=name,
        variable=variable,
        entities=tuple(entities),
        uses=tuple(_use(entry, column, versions) for entry, column in uses),
        figures=tuple(
            found
            for entry, column in uses[:PICTURED_DATASETS]
            for found in _figures(entry, column, versions)
        ),
    )


def _use(entry: CatalogDataset, column: DescribedColumn, versions: _Versions) -> VariableUse:
    having = (one for one in reversed(entry.versions) if column.name in versions.columns(one))
    first = next(having, None)
    return VariableUse(
        dataset=entry.name,
        table=column.table.name,
        entity=column.entity,
        type=column.column.value_type,
        since=_first(first) if first is not None else None,
    )


def _figures(
    entry: CatalogDataset, column: DescribedColumn, versions: _Versions
) -> Iterator[VariableFigures]:
    for version in entry.versions[:PICTURED_VERSIONS]:
        known = versions.figures(version).get((column.table.name, column.name))
        if known is not None:
            yield VariableFigures(
                dataset=entry.name,
                sha256=version.sha256,
                seen=_first(version),
                non_zero=share_of_non_zero(*known),
                mean=None if known[1].mean is None else amount_text(known[1].mean),
                shape=shape_of(known[1]),
            )


def _first(version: DatasetVersion) -> Appearance | None:
    return version.appearances[0] if version.appearances else None
