"""A dataset as Croissant 1.1, the JSON-LD by which machine learning libraries find columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.documents.citation import cite_bibtex
from pe_dvc.documents.dataset import PUBLISHER

if TYPE_CHECKING:
    from pe_dvc.documents.dataset import Dataset, DescribedColumn
    from pe_dvc.documents.manifest import Table

VERSION = "http://mlcommons.org/croissant/1.1"
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""Croissant's own context, which its readers expect word for word."""

_TYPES = {
    "integer": "sc:Integer",
    "number": "sc:Float",
    "boolean": "sc:Boolean",
    "date": "sc:Date",
    "datetime": "sc:DateTime",
}


def to_croissant(dataset: Dataset) -> dict[str, Any]:
    """Return the JSON-LD for the file beside it."""
    artifact, tables = dataset.manifest.artifact, dataset.manifest.table.tables
    found = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": VERSION,
        "name": dataset.name,
        "description": dataset.description,
        "identifier": dataset.pin,
        "url": dataset.pin,
        "version": dataset.release or f"0.0.0+{dataset.sha256[:12]}",
        "datePublished": dataset.built_on,
        "license": dataset.licence,
        "citeAs": cite_bibtex(dataset),
        "creator": {"@type": "sc:Organization", "name": PUBLISHER},
        "publisher": {"@type": "sc:Organization", "name": PUBLISHER},
        "conditionsOfAccess": "restricted" if dataset.access == "gated" else None,
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": "file",
                "name": dataset.file_name,
                "contentUrl": dataset.file_name,
                "contentSize": f"{artifact.size} B",
                "encodingFormat": artifact.media_type,
                "sha256": artifact.sha256,
            }
        ],
        "recordSet": [_record_set(dataset, table) for table in tables],
    }
    return {key: value for key, value in found.items() if value}


def _record_set(dataset: Dataset, table: Table) -> dict[str, Any]:
    key, keys = dataset.key(table), dataset.keys(table)
    entity = dataset.codebook.entity(table.entity or "")
    found = {
        "@type": "cr:RecordSet",
        "@id": table.name,
        "name": table.name,
        "description": entity.description or entity.label,
        "key": {"@id": f"{table.name}/{key}"} if key else None,
        "field": [_field(table, column, keys) for column in dataset.columns_of(table)],
    }
    return {name: value for name, value in found.items() if value}


def _field(
    table: Table, column: DescribedColumn, keys: dict[str, tuple[str, str]]
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{table.name}/{column.name}",
        "name": column.name,
        "description": _description(column),
        "dataType": _TYPES.get(column.kind, "sc:Text"),
        "source": {"fileObject": {"@id": "file"}, "extract": {"column": column.name}},
    }
    if column.name in keys:
        other, their = keys[column.name]
        found["references"] = {"field": {"@id": f"{other}/{their}"}}
    return {name: value for name, value in found.items() if value}


def _description(column: DescribedColumn) -> str:
    variable = column.variable
    parts = [
        variable.label,
        variable.description,
        f"Unit: {variable.unit}" if variable.unit else None,
    ]
    coded = "; ".join(f"{each.value}: {each.label}" for each in variable.values)
    texts = [*parts, f"Values: {coded}" if coded else None]
    return ". ".join(text.rstrip(".") for text in texts if text)
