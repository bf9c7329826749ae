"""Writes exports as parquet and csv, a batch of rows at a time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.adapters.tables.export_columns import Export
    from pe_dvc.documents.codebook import Variable

_TYPES = {
    "halffloat": "float16",
    "float": "float32",
    "double": "float64",
    "str": "string",
    "object": "string",
}


def write_parquet(export: Export, file: BinaryIO) -> int:
    """Write a parquet file, with labels in the metadata of its fields; return the rows."""
    import pyarrow.parquet as pq

    schema, rows = _schema(export), 0
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for batch in _record_batches(export, schema):
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def write_csv(export: Export, file: BinaryIO) -> int:
    """Write comma-separated text in UTF-8, with a header; return the rows."""
    from pyarrow import csv

    schema, rows = _schema(export), 0
    with csv.CSVWriter(file, schema) as writer:
        for batch in _record_batches(export, schema):
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def _schema(export: Export) -> Any:
    import pyarrow as pa

    fields = [
        pa.field(
            column.name,
            _type(column.column.value_type),
            nullable=column.column.nullable,
            metadata=_metadata(column.variable),
        )
        for column in export.columns
    ]
    return pa.schema(fields, metadata={"pe_data_reference": export.pin})


def _record_batches(export: Export, schema: Any) -> Iterator[Any]:
    import pyarrow as pa

    for batch in export.batches():
        arrays = [
            pa.array(values, from_pandas=True).cast(field.type)
            for values, field in zip(batch, schema, strict=True)
        ]
        yield pa.record_batch(arrays, schema=schema)


def _type(name: str) -> Any:
    """Return the type of a column's values by its name in manifests."""
    import pyarrow as pa

    if name.startswith("timestamp["):
        return pa.timestamp(name.removeprefix("timestamp[").partition("]")[0].partition(",")[0])
    if name.startswith("date"):
        return pa.date32()
    try:
        return pa.type_for_alias(_TYPES.get(name, name))
    except ValueError:
        return pa.string()


def _metadata(variable: Variable) -> dict[str, str]:
    coded = {str(each.value): each.label for each in variable.values}
    texts = {
        "label": variable.label,
        "unit": variable.unit,
        "description": variable.description,
        "values": json.dumps(coded, ensure_ascii=False) if coded else None,
    }
    return {key: text for key, text in texts.items() if text}
