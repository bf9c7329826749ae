"""A dataset as a Data Package (version 2): a resource for each table, with keys and categories."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.dataset import PUBLISHER

if TYPE_CHECKING:
    from pe_dvc.documents.dataset import Dataset, DescribedColumn
    from pe_dvc.documents.manifest import Table

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"


def to_data_package(dataset: Dataset) -> dict[str, Any]:
    """Return the descriptor, ``datapackage.json``, for the file beside it."""
    tables = dataset.manifest.table.tables
    licence, about = dataset.licence, dataset.manifest.about
    found = {
        "$schema": PROFILE,
        "name": _plain(dataset.name),
        "id": dataset.pin,
        "title": dataset.name,
        "description": dataset.description,
        "version": dataset.version,
        "created": dataset.manifest.build.built_at,
        "licenses": [{"title": licence, **_licence(licence)}] if licence else None,
        "contributors": [{"title": PUBLISHER, "roles": ["publisher"]}],
        "sources": [{"title": about.citation}] if about and about.citation else None,
        "resources": [_resource(dataset, table) for table in tables] or [_file(dataset)],
    }
    return {key: value for key, value in found.items() if value}


def _licence(text: str) -> dict[str, str]:
    """Return a licence's short name or address, of which one is required."""
    if text.startswith(("https://", "http://")):
        return {"path": text}
    return {"name": re.sub(r"[^A-Za-z0-9._-]+", "-", text)}


def _file(dataset: Dataset) -> dict[str, Any]:
    artifact = dataset.manifest.artifact
    return {
        "name": _plain(dataset.name),
        "path": dataset.file_name,
        "mediatype": artifact.media_type,
        "bytes": artifact.size,
        "hash": f"sha256:{artifact.sha256}",
    }


def _resource(dataset: Dataset, table: Table) -> dict[str, Any]:
    several = len(dataset.manifest.table.tables) > 1
    found = {
        **_file(dataset),
        "name": _plain(f"{dataset.name}-{table.name}" if several else dataset.name),
        "title": table.name,
        "type": "table",
        "schema": _schema(dataset, table),
    }
    if several:
        found["dialect"] = {"table": table.name}
    return found


def _schema(dataset: Dataset, table: Table) -> dict[str, Any]:
    schema: dict[str, Any] = {"fields": [_field(each) for each in dataset.columns_of(table)]}
    key = dataset.key(table)
    if key is not None:
        schema["primaryKey"] = [key]
    several = len(dataset.manifest.table.tables) > 1
    references = [
        {
            "fields": [column],
            "reference": {"resource": _plain(f"{dataset.name}-{other}"), "fields": [their]},
        }
        for column, (other, their) in dataset.keys(table).items()
    ]
    if references and several:
        schema["foreignKeys"] = references
    return schema


def _field(column: DescribedColumn) -> dict[str, Any]:
    variable = column.variable
    found: dict[str, Any] = {
        "name": column.name,
        "type": column.kind,
        "title": variable.label,
        "description": variable.description,
        "unit": variable.unit,
    }
    if not column.column.nullable:
        found["constraints"] = {"required": True}
    kinds = {"string": str, "integer": int}
    kind = kinds.get(column.kind)
    categories = [
        {"value": coded.value, "label": coded.label}
        for coded in variable.values
        if type(coded.value) is kind
    ]
    if categories:
        found["categories"] = categories
    return {key: value for key, value in found.items() if value}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower())
