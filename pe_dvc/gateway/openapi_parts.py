"""Pieces that the parts of the OpenAPI document are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

TEXT: dict[str, Any] = {"type": "string"}
SHA256: dict[str, Any] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
NAMED: list[dict[str, list[str]]] = [{"bearer": []}, {"basic": []}]
"""How who asks is told, in the header ``Authorization``."""


def ref(name: str) -> dict[str, Any]:
    """Return the schema of that name."""
    return {"$ref": f"#/components/schemas/{name}"}


def list_of(items: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the schema of a list."""
    return {"type": "array", "items": items, **more}


def object_of(required: Iterable[str], **properties: Any) -> dict[str, Any]:
    """Return the schema of an object."""
    return {"type": "object", "required": list(required), "properties": properties}


def json_of(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a body that is JSON."""
    return {"application/json": {"schema": schema}}


def in_path(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter that is a part of the path."""
    return {"name": name, "in": "path", "required": True, "schema": schema}
