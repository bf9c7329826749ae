"""A small labelled dataset with its bytes, published."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pe_dvc.documents.keys import chunks_key, manifest_key, payload_key
from pe_dvc.documents.sidecar_files import CODEBOOK
from pe_dvc.documents.sidecar_refs import content_sidecars
from pe_dvc.primitives.digest import Sha256, chunk_digests
from tests.support.described import codebook, described_manifest
from tests.support.factories import manifest_of
from tests.support.sidecars import with_sidecars

if TYPE_CHECKING:
    from tests.support.country import Country

FRAME = {
    "person_id": [1, 2, 3],
    "age": [30, 41, None],
    "employment_income": [0.0, 12500.5, float("nan")],
    "is_male": [1, 0, 1],
    "filing_status": ["SINGLE", "JOINT", None],
    "universal_credit": [0.5, 0.25, 0.0],
    "interviewed": pd.to_datetime(["2024-01-31", "NaT", "2024-02-29"]).as_unit("ns"),
    "person_weight": [1.5, 2.5, 3.5],
}
SCHEMA = pa.schema(
    {
        "person_id": pa.int64(),
        "age": pa.int32(),
        "employment_income": pa.float64(),
        "is_male": pa.int8(),
        "filing_status": pa.dictionary(pa.int32(), pa.string()),
        "universal_credit": pa.float32(),
        "interviewed": pa.timestamp("ns"),
        "person_weight": pa.float64(),
    }
)


def parquet_of(frame: dict[str, Any], schema: pa.Schema = SCHEMA) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(pd.DataFrame(frame), schema, preserve_index=False), buffer)
    return buffer.getvalue()


def publish(country: Country, data: bytes, contents: dict[str, Any], **artifact: Any) -> None:
    """Make a dataset with these bytes and this description, with a codebook, all of latest."""
    known = manifest_of(data).artifact
    same: dict[str, Any] = {
        "sha256": known.sha256,
        "size": known.size,
        "dvc": known.dvc.model_dump(),
    }
    assert known.chunks is not None
    same["chunks"] = known.chunks.model_dump()
    sidecar = codebook().to_bytes()
    manifest = with_sidecars(described_manifest(contents, **same, **artifact), {CODEBOOK: sidecar})
    sha256 = Sha256(manifest.artifact.sha256)
    country.write(payload_key("us", manifest.artifact.dvc.md5), data)
    country.write(chunks_key("us", sha256), chunk_digests([data]))
    country.write(content_sidecars(manifest)[CODEBOOK].key, sidecar)
    country.write(manifest_key("us", sha256), manifest.to_bytes())
    country.point("latest", [manifest])
