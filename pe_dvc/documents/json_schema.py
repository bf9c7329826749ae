"""A dataset as JSON Schema (draft 2020-12): what an object for one row of each table holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pe_dvc.documents.dataset import Dataset, DescribedColumn
    from pe_dvc.documents.manifest import Table

_TYPES: dict[str, dict[str, Any]] = {
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "any": {},
}


def to_json_schema(dataset: Dataset) -> dict[str, Any]:
    """Return the schema of an object that has, by the names of tables, lists of rows."""
    tables = dataset.manifest.table.tables
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": dataset.pin,
        "title": dataset.name,
        "description": dataset.description,
        "type": "object",
        "properties": {
            table.name: {"type": "array", "items": _row(dataset, table)} for table in tables
        },
        "required": [table.name for table in tables],
    }


def _row(dataset: Dataset, table: Table) -> dict[str, Any]:
    columns = list(dataset.columns_of(table))
    return {
        "type": "object",
        "properties": {column.name: _column(column) for column in columns},
        "required": [column.name for column in columns if column.column.periods is None],
    }


def _column(column: DescribedColumn) -> dict[str, Any]:
    found = dict(_TYPES.get(column.kind, {"type": column.kind}))
    if column.column.nullable and "type" in found:
        found["type"] = [found["type"], "null"]
    variable = column.variable
    texts = {
        "title": variable.label,
        "description": variable.description,
        "x-unit": variable.unit,
        "x-entity": column.entity,
    }
    found |= {key: text for key, text in texts.items() if text}
    if variable.values:
        # What a value means; that no other value occurs is not promised.
        found["x-values"] = [
            {"const": coded.value, "title": coded.label} for coded in variable.values
        ]
    return found
