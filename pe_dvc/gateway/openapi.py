"""The OpenAPI document of a gateway: what can be asked, and every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.documents.keys import channel_prefix

if TYPE_CHECKING:
    from collections.abc import Sequence

ANY = "xx"
"""A country that stands for all in paths."""

_ERROR = {
    "type": "object",
    "required": ["error", "detail"],
    "properties": {
        "error": {"type": "string"},
        "detail": {"type": "string", "description": "what happened, and what to do"},
        "projects": {"type": "array", "items": {"type": "string"}},
        "contact": {"type": "string", "description": "whom to ask for access"},
        "tombstone": {"type": "object", "description": "why, when and by whom it was withdrawn"},
        "retry_after": {"type": "integer", "description": "seconds"},
    },
}
_REFUSALS = {
    "400": "The address has a query: tokens belong in a header",
    "401": "Who asks could not be verified",
    "403": "No grant, one that ended or has not begun, or several projects to choose from",
    "404": "There is no such object in what was published",
    "410": "It was withdrawn, with its tombstone",
    "416": "No such range, or several",
    "429": "Too many requests",
    "503": "The grants, the store or the ledger are away",
}


def openapi(countries: Sequence[str]) -> dict[str, Any]:
    """Return the document of a gateway that serves ``countries``."""
    data = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    refused = {
        status: {"description": says, "content": {"application/json": {"schema": _ref("Error")}}}
        for status, says in _REFUSALS.items()
    }
    country = _parameter("country", {"type": "string", "enum": list(countries)}, "path")
    key = _parameter("key", {"type": "string"}, "path", "a key of the bucket, with its slashes")
    read = {
        "operationId": "read",
        "summary": "Read an object; the read is noted before its first byte is sent",
        "security": [{"bearer": []}, {"basic": []}],
        "parameters": [
            country,
            key,
            _parameter("X-PE-Project", {"type": "string"}, "header", "which project it is for"),
            _parameter("Range", {"type": "string"}, "header", "one range of bytes"),
        ],
        "responses": {
            "200": {"description": "The object", "content": data},
            "206": {"description": "A part of it", "content": data},
            "307": {"description": "It is at an address of the store, good for a minute"},
            "304": {"description": "It is what If-None-Match names"},
            **refused,
        },
    }
    metadata = {
        "operationId": "metadata",
        "summary": "Read signed metadata of the channels, for everyone",
        "parameters": [country, _parameter("file", {"type": "string"}, "path")],
        "responses": {
            "200": {"description": "The metadata", "content": {"application/json": {}}},
            **{status: refused[status] for status in ("400", "404", "503")},
        },
    }
    health = {
        "operationId": "health",
        "summary": "Tell whether all countries can be read",
        "responses": {"200": {"description": "ok"}, "503": {"description": "unavailable"}},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "pe-dvc gateway", "version": "1", "license": {"name": "MIT"}},
        "paths": {
            "/{country}/{key}": {"get": read},
            f"/{channel_prefix(ANY)}{{file}}".replace(ANY, "{country}"): {"get": metadata},
            "/healthz": {"get": health},
        },
        "components": {
            "schemas": {"Error": _ERROR},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "the token as password; the user does not matter",
                },
            },
        },
    }


def _parameter(name: str, schema: dict[str, Any], place: str, says: str = "") -> dict[str, Any]:
    found = {"name": name, "in": place, "required": place == "path", "schema": schema}
    return found | ({"description": says} if says else {})


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
