"""The fields of manifests, codebooks and declared datasets, for who reads them without pydantic.

Made from the models by ``make reference``, as JSON Schema that pydantic gives of them. ``omitted``
are fields that are not written where they are as if they were not given; a ``closed`` record has
no others than these fields.
"""
# fmt: off
# ruff: noqa: E501

from __future__ import annotations

from typing import Any

RECORDS: dict[str, Any] = {
    "About": {
        "required": [], "omitted": [], "closed": False,
        "properties": {
            "description": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "licence": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "citation": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        },
    },
    "Artifact": {
        "required": ["country", "name", "path", "kind", "media_type", "sha256", "size", "dvc"], "omitted": [], "closed": False,
        "properties": {
            "country": {"type": "string"},
            "name": {"type": "string"},
            "path": {"type": "string"},
            "kind": {"type": "string"},
            "media_type": {"type": "string"},
            "sha256": {"pattern": "^[0-9a-f]{64}$", "type": "string"},
            "size": {"maximum": 9223372036854775807, "minimum": 0, "type": "integer"},
            "dvc": {"$ref": "DvcObject"},
            "chunks": {"anyOf": [{"$ref": "ChunkList"}, {"type": "null"}], "default": None},
            "members": {"anyOf": [{"$ref": "MemberList"}, {"type": "null"}], "default": None},
            "location": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        },
    },
    "Build": {
        "required": [], "omitted": [], "closed": False,
        "properties": {
            "git_commit": {"anyOf": [{"pattern": "^[0-9a-f]{40}([0-9a-f]{24})?$", "type": "string"}, {"type": "null"}], "default": None},
            "git_dirty": {"anyOf": [{"type": "boolean"}, {"type": "null"}], "default": None},
            "built_at": {"anyOf": [{"pattern": "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}Z$", "type": "string"}, {"type": "null"}], "default": None},
            "built_in": {"anyOf": [{"enum": ["ci", "local"], "type": "string"}, {"type": "null"}], "default": None},
            "repository": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "builder": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "build_id": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "statement": {"anyOf": [{"$ref": "StatementFile"}, {"type": "null"}], "default": None},
        },
    },
    "CalibrationTargets": {
        "required": ["snapshot_id", "sha256"], "omitted": [], "closed": False,
        "properties": {
            "snapshot_id": {"type": "string"},
            "sha256": {"pattern": "^[0-9a-f]{64}$", "type": "string"},
        },
    },
    "ChunkList": {
        "required": ["size", "sha256"], "omitted": [], "closed": False,
        "properties": {
            "size": {"exclusiveMinimum": 0, "maximum": 9223372036854775807, "type": "integer"},
            "sha256": {"pattern": "^[0-9a-f]{64}$", "type": "string"},
        },
    },
    "Column": {
        "required": ["name", "type"], "omitted": ["nullable", "partition"], "closed": False,
        "properties": {
            "name": {"type": "string"},
            "type": {"type": "string"},
            "nullable": {"default": True, "type": "boolean"},
            "entity": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "periods": {"anyOf": [{"items": {"type": "string"}, "type": "array"}, {"type": "null"}], "default": None},
            "partition": {"default": False, "type": "boolean"},
        },
    },
    "Contents": {
        "required": ["format", "tables", "entities"], "omitted": ["members"], "closed": False,
        "properties": {
            "format": {"type": "string"},
            "tables": {"items": {"$ref": "Table"}, "type": "array"},
            "entities": {"additionalProperties": {"$ref": "Entity"}, "type": "object"},
            "weight": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "period": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "types_from": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "members": {"default": [], "items": {"$ref": "Member"}, "type": "array"},
        },
    },
    "DvcObject": {
        "required": ["hash", "md5"], "omitted": [], "closed": False,
        "properties": {
            "hash": {"const": "md5", "type": "string"},
            "md5": {"pattern": "^[0-9a-f]{32}(\\.dir)?$", "type": "string"},
        },
    },
    "Entity": {
        "required": ["key"], "omitted": [], "closed": False,
        "properties": {
            "key": {"type": "string"},
            "references": {"additionalProperties": {"type": "string"}, "type": "object"},
        },
    },
    "InputFile": {
        "required": ["name", "sha256"], "omitted": [], "closed": False,
        "properties": {
            "name": {"type": "string"},
            "sha256": {"pattern": "^[0-9a-f]{64}$", "type": "string"},
            "source": {"anyOf": [{"$ref": "Origin"}, {"type": "null"}], "default": None},
        },
    },
    "Inputs": {
        "required": [], "omitted": ["packages", "unknown"], "closed": False,
        "properties": {
            "data_vintage": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "model_package": {"anyOf": [{"$ref": "Package"}, {"type": "null"}], "default": None},
            "core_package": {"anyOf": [{"$ref": "Package"}, {"type": "null"}], "default": None},
            "raw_inputs": {"default": [], "items": {"$ref": "InputFile"}, "type": "array"},
            "code": {"default": [], "items": {"$ref": "InputFile"}, "type": "array"},
            "calibration_targets": {"anyOf": [{"$ref": "CalibrationTargets"}, {"type": "null"}], "default": None},
            "params": {"additionalProperties": {}, "type": "object"},
            "lockfile_sha256": {"anyOf": [{"pattern": "^[0-9a-f]{64}$", "type": "string"}, {"type": "null"}], "default": None},
            "python_version": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "packages": {"additionalProperties": {"type": "string"}, "type": "object"},
            "source": {"anyOf": [{"$ref": "Origin"}, {"type": "null"}], "default": None},
            "unknown": {"default": [], "items": {"$ref": "Unknown"}, "type": "array"},
            "composite_digest": {"anyOf": [{"pattern": "^[0-9a-f]{64}$", "type": "string"}, {"type": "null"}], "default": None},
        },
    },
    "Member": {
        "required": ["name"], "omitted": [], "closed": False,
        "properties": {
            "name": {"type": "string"},
            "type": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "shape": {"anyOf": [{"items": {"minimum": 0, "type": "integer"}, "type": "array"}, {"type": "null"}], "default": None},
            "value": {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "number"}, {"type": "boolean"}, {"type": "null"}], "default": None},
            "reason": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        },
    },
    "MemberList": {
        "required": ["count", "sha256"], "omitted": [], "closed": False,
        "properties": {
            "digest": {"const": "dirHash", "default": "dirHash", "type": "string"},
            "count": {"exclusiveMinimum": 0, "maximum": 9223372036854775807, "type": "integer"},
            "sha256": {"pattern": "^[0-9a-f]{64}$", "type": "string"},
        },
    },
    "Origin": {
        "required": ["url"], "omitted": [], "closed": False,
        "properties": {
            "url": {"type": "string"},
            "path": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "revision": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "etag": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        },
    },
    "Package": {
        "required": ["name", "version"], "omitted": [], "closed": False,
        "properties": {
            "name": {"type": "string"},
            "version": {"type": "string"},
            "wheel_sha256": {"anyOf": [{"pattern": "^[0-9a-f]{64}$", "type": "string"}, {"type": "null"}], "default": None},
            "git_sha": {"anyOf": [{"pattern": "^[0-9a-f]{40}([0-9a-f]{24})?$", "type": "string"}, {"type": "null"}], "default": None},
            "data_build_fingerprint": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "installed_from": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "known_from": {"anyOf": [{"enum": ["lockfile", "statement"], "type": "string"}, {"type": "null"}], "default": None},
            "locked_version": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "unlocked_reason": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        },
    },
    "Sidecar": {
        "required": ["sha256", "size"], "omitted": [], "closed": False,
        "properties": {
            "sha256": {"pattern": "^[0-9a-f]{64}$", "type": "string"},
            "size": {"maximum": 67108864, "minimum": 0, "type": "integer"},
        },
    },
    "StatementFile": {
        "required": ["name", "sha256", "format"], "omitted": [], "closed": False,
        "properties": {
            "name": {"type": "string"},
            "sha256": {"pattern": "^[0-9a-f]{64}$", "type": "string"},
            "format": {"enum": ["policyengine-build-manifest", "policyengine-release-manifest", "slsa-provenance-v1"], "type": "string"},
        },
    },
    "Table": {
        "required": ["name", "rows", "columns"], "omitted": ["periods"], "closed": False,
        "properties": {
            "name": {"type": "string"},
            "rows": {"minimum": 0, "type": "integer"},
            "entity": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "columns": {"items": {"$ref": "Column"}, "type": "array"},
            "periods": {"additionalProperties": {"minimum": 0, "type": "integer"}, "type": "object"},
            "content_sha256": {"anyOf": [{"pattern": "^[0-9a-f]{64}$", "type": "string"}, {"type": "null"}], "default": None},
        },
    },
    "Unknown": {
        "required": ["fields", "reason"], "omitted": [], "closed": False,
        "properties": {
            "fields": {"items": {"type": "string"}, "type": "array"},
            "reason": {"type": "string"},
        },
    },
    "Manifest": {
        "required": ["artifact", "inputs", "build", "table"], "omitted": ["sidecars"], "closed": False,
        "properties": {
            "schema_version": {"default": 1, "type": "integer"},
            "artifact": {"$ref": "Artifact"},
            "inputs": {"$ref": "Inputs"},
            "build": {"$ref": "Build"},
            "about": {"anyOf": [{"$ref": "About"}, {"type": "null"}], "default": None},
            "sidecars": {"patternProperties": {"^[a-z]{2,32}$": {"$ref": "Sidecar"}}, "type": "object"},
            "table": {"$ref": "Contents"},
        },
    },
    "CodedValue": {
        "required": ["value", "label"], "omitted": [], "closed": False,
        "properties": {
            "value": {"anyOf": [{"type": "boolean"}, {"type": "integer"}, {"type": "number"}, {"type": "string"}]},
            "label": {"type": "string"},
        },
    },
    "EntityText": {
        "required": [], "omitted": [], "closed": False,
        "properties": {
            "label": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "plural": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "description": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        },
    },
    "LabelSource": {
        "required": ["name", "version"], "omitted": [], "closed": False,
        "properties": {
            "name": {"type": "string"},
            "version": {"type": "string"},
        },
    },
    "Variable": {
        "required": [], "omitted": ["references", "values"], "closed": False,
        "properties": {
            "label": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "unit": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "description": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "references": {"default": [], "items": {"type": "string"}, "type": "array"},
            "values": {"default": [], "items": {"$ref": "CodedValue"}, "type": "array"},
            "entity": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "period": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "quantity": {"anyOf": [{"enum": ["stock", "flow"], "type": "string"}, {"type": "null"}], "default": None},
        },
    },
    "Codebook": {
        "required": [], "omitted": ["sources", "entities", "variables"], "closed": False,
        "properties": {
            "schema_version": {"default": 1, "type": "integer"},
            "access": {"anyOf": [{"enum": ["public", "gated"], "type": "string"}, {"type": "null"}], "default": None},
            "sources": {"default": [], "items": {"$ref": "LabelSource"}, "type": "array"},
            "entities": {"additionalProperties": {"$ref": "EntityText"}, "type": "object"},
            "variables": {"additionalProperties": {"$ref": "Variable"}, "type": "object"},
        },
    },
    "DeclaredEntity": {
        "required": ["key"], "omitted": [], "closed": True,
        "properties": {
            "key": {"type": "string"},
            "references": {"additionalProperties": {"type": "string"}, "type": "object"},
        },
    },
    "DatasetMeta": {
        "required": [], "omitted": [], "closed": True,
        "properties": {
            "country": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "rows": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "entities": {"additionalProperties": {"$ref": "DeclaredEntity"}, "type": "object"},
            "columns": {"additionalProperties": {"type": "string"}, "type": "object"},
            "types": {"additionalProperties": {"type": "string"}, "type": "object"},
            "weight": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "vintage": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "provenance": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "licence": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "citation": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "kind": {"anyOf": [{"maxLength": 64, "pattern": "^[a-z][a-z_]*$", "type": "string"}, {"type": "null"}], "default": None},
            "profile": {"default": True, "type": "boolean"},
            "gates": {"$ref": "Gates"},
        },
    },
}
