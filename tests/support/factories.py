"""Small real documents for tests."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import Any

from pe_dvc.documents.manifest import Manifest
from pe_dvc.documents.pointed_file import PointedFile
from pe_dvc.documents.pointer import Pointer
from pe_dvc.primitives.digest import CHUNK_SIZE, chunk_digests, sha256_bytes


def manifest_of(payload: bytes, **changes: Any) -> Manifest:
    """Return the manifest of ``payload``; ``changes`` replace fields of its artifact."""
    artifact = {
        "country": "us",
        "name": "enhanced_cps_2024",
        "path": "data/enhanced_cps_2024.parquet",
        "kind": "microdata",
        "media_type": "application/vnd.apache.parquet",
        "size": len(payload),
        **_digests(payload),
        **changes,
    }
    return Manifest.model_validate_json(
        json.dumps(
            {
                "schema_version": 1,
                "artifact": artifact,
                "table": {
                    "format": "parquet",
                    "tables": [
                        {
                            "name": "tax_unit",
                            "rows": 2,
                            "entity": "tax_unit",
                            "columns": [{"name": "RECID", "type": "int64"}],
                        }
                    ],
                    "entities": {"tax_unit": {"key": "RECID"}},
                },
                "inputs": {"data_vintage": "cps_asec_2014"},
                "build": {
                    "git_dirty": False,
                    "built_at": "2026-04-20T12:00:00Z",
                    "built_in": "local",
                },
            }
        )
    )


@lru_cache(maxsize=8)  # hundreds of tests publish the same ten megabytes
def _digests(payload: bytes) -> dict[str, Any]:
    return {
        "sha256": sha256_bytes(payload),
        "dvc": {"hash": "md5", "md5": hashlib.md5(payload).hexdigest()},
        "chunks": {"size": CHUNK_SIZE, "sha256": sha256_bytes(chunk_digests([payload]))},
    }


def pointer_to(manifest: Manifest, channel: str = "latest", **changes: Any) -> Pointer:
    """Return the pointer that would be signed for a manifest; ``changes`` replace its fields."""
    values: dict[str, Any] = {
        "country": manifest.artifact.country,
        "channel": channel,
        "name": manifest.artifact.name,
        "sha256": manifest.artifact.sha256,
        "size": manifest.artifact.size,
        "manifest_sha256": sha256_bytes(manifest.to_bytes()),
        "file": PointedFile.of_artifact(manifest.artifact),
        **changes,
    }
    return Pointer(**values)
