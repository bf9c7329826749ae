"""The JSON beside the pages: what they say, for programs. Documented in docs/site.md."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.croissant import to_croissant
from pe_dvc.documents.disclosure import Count
from pe_dvc.documents.manifest_diff import columns_of, inputs_of
from pe_dvc.primitives.reference import Reference
from pe_dvc.primitives.result import json_time
from pe_dvc.usecases.site import places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.documents.dataset import Dataset, DescribedColumn
    from pe_dvc.documents.disclosure import Disclosure
    from pe_dvc.documents.manifest import Table
    from pe_dvc.documents.profile import TableProfile
    from pe_dvc.usecases.site.catalog import (
        Catalog,
        CatalogDataset,
        CatalogRelease,
        CountryCatalog,
        DatasetVersion,
    )
    from pe_dvc.usecases.site.variables import VariableView

SCHEMA_VERSION = 1
_FIGURES = ("total", "mean", "carriers", "weighted_carriers")


def to_bytes(value: dict[str, Any]) -> bytes:
    """Return a document as compact JSON: the same value gives the same bytes."""
    document = {"schema_version": SCHEMA_VERSION, **value}
    text = json.dumps(document, sort_keys=True, allow_nan=False, separators=(",", ":"))
    return f"{text}\n".encode()


def index(catalog: Catalog) -> dict[str, Any]:
    """Return which countries there are."""
    return {
        "countries": [
            {"country": one.country, "index": places.country_json(one.country)}
            for one in catalog.countries
        ]
    }


def country_index(country: CountryCatalog) -> dict[str, Any]:
    """Return what is published of a country."""
    return {
        "country": country.country,
        "root_sha256": str(country.fingerprint),
        "channels": {
            one.name: {"version": one.version, "expires": json_time(one.expires)}
            for one in country.channels
        },
        "datasets": [_listed(entry) for entry in country.datasets],
        "releases": [_release(one) for one in country.releases],
        "withdrawn": [one.to_json() for one in country.withdrawn],
    }


def dataset_document(entry: CatalogDataset) -> dict[str, Any]:
    """Return what a dataset's page says."""
    current = entry.current
    found = _listed(entry) | {"versions": [_version(one) for one in entry.versions]}
    if current.dataset is not None:
        found |= _described(current.dataset, current.rule)
    return found


def version_document(version: DatasetVersion, dataset: Dataset) -> dict[str, Any]:
    """Return what two versions of a dataset are compared by."""
    manifest, profile = dataset.manifest, dataset.profile
    return {
        "reference": version.pin,
        "sha256": str(version.sha256),
        "size": manifest.artifact.size,
        "built_at": manifest.build.built_at,
        "rows": {t.name: _number(t.rows, version.rule) for t in manifest.table.tables},
        "columns": columns_of(manifest.table),
        "inputs": inputs_of(manifest.inputs),
        "figures": [_figures(table) for table in (profile.tables if profile else ())],
    }


def croissant(dataset: Dataset) -> bytes:
    """Return a dataset as Croissant, which has no version of ours."""
    text = json.dumps(to_croissant(dataset), sort_keys=True, separators=(",", ":"))
    return f"{text}\n".encode()


def variables_document(variables: list[VariableView]) -> dict[str, Any]:
    """Return the variables of a country."""
    return {
        "variables": [
            {
                "name": one.name,
                "label": one.variable.label,
                "unit": one.variable.unit,
                "description": one.variable.description,
                "entities": list(one.entities),
                "datasets": sorted({use.dataset for use in one.uses}),
            }
            for one in variables
        ]
    }


def _listed(entry: CatalogDataset) -> dict[str, Any]:
    return {
        "country": entry.country,
        "name": entry.name,
        "page": places.dataset_page(entry.country, entry.name),
        "document": places.dataset_json(entry.country, entry.name),
        "channels": {
            channel: {
                "sha256": str(pointer.sha256),
                "size": pointer.size,
                "manifest_sha256": str(pointer.manifest_sha256),
            }
            for channel, pointer in entry.pointers.items()
        },
    }


def _described(dataset: Dataset, rule: Disclosure) -> dict[str, Any]:
    manifest = dataset.manifest
    return {
        "description": dataset.description,
        "licence": dataset.licence,
        "access": rule.access,
        "weight": manifest.table.weight,
        "format": manifest.table.format,
        "built_at": manifest.build.built_at,
        "tables": [_table(dataset, table, rule) for table in manifest.table.tables],
    }


def _table(dataset: Dataset, table: Table, rule: Disclosure) -> dict[str, Any]:
    return {
        "name": table.name,
        "entity": table.entity,
        "rows": _number(table.rows, rule),
        "periods": {period: _number(rows, rule) for period, rows in table.periods.items()},
        "columns": [_column(column) for column in dataset.columns_of(table)],
    }


def _column(column: DescribedColumn) -> dict[str, Any]:
    variable = column.variable
    return {
        "name": column.name,
        "type": column.column.value_type,
        "entity": column.entity,
        "label": variable.label,
        "unit": variable.unit,
    }


def _version(version: DatasetVersion) -> dict[str, Any]:
    return {
        "reference": version.pin,
        "sha256": str(version.sha256),
        "withdrawn": version.withdrawn,
        "problem": version.problem,
        "seen": [
            {"channel": one.channel, "version": one.version, "signed_on": one.signed_on}
            for one in version.appearances
        ],
    }


def _release(one: CatalogRelease) -> dict[str, Any]:
    released = one.released
    return {
        "tag": released.tag,
        "state": released.state,
        "reason": released.reason,
        "commit": released.commit,
        "page": places.release_page(released.country, released.tag),
        "artifacts": dict(_artifacts(one)),
    }


def _artifacts(one: CatalogRelease) -> Iterator[tuple[str, str]]:
    """Yield the pinned reference of each artifact of a release, by dataset name."""
    for name, artifact in (one.manifest.artifacts if one.manifest else {}).items():
        yield name, str(Reference.parse(artifact.reference))


def _figures(table: TableProfile) -> dict[str, Any]:
    weight = table.weight
    columns = {
        name: {key: value for key in _FIGURES if (value := getattr(column, key)) is not None}
        for name, column in table.columns.items()
    }
    return {
        "table": table.name,
        "period": table.period,
        "weight": {"column": weight.column, "sum": weight.sum, "n_eff": weight.n_eff}
        if weight
        else None,
        "columns": columns,
    }


def _number(rows: int, rule: Disclosure) -> int | None:
    """Return a number of rows, None where it may not be said."""
    return rule.number(Count(rows, "row"))
