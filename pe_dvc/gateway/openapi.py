"""The OpenAPI document of a gateway: what can be asked, and every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.documents.keys import channel_prefix, payload_prefix, releases_prefix
from pe_dvc.gateway.drs_openapi import SCHEMAS as DRS_SCHEMAS
from pe_dvc.gateway.drs_openapi import drs_paths
from pe_dvc.gateway.ended_openapi import SCHEMAS as ENDED_SCHEMAS
from pe_dvc.gateway.ended_openapi import ended_paths
from pe_dvc.gateway.openapi_parts import NAMED, in_path, json_of, ref

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
    "400": "The request is none, or the address has a query: tokens belong in a header",
    "401": "Who asks could not be verified",
    "403": "No grant, one that ended or has not begun, several projects, or another's statement",
    "404": "There is no such object in what was published, or no such country",
    "405": "Nothing can be written",
    "408": "The body came too slowly",
    "410": "It was withdrawn, with its tombstone",
    "413": "Too much at once",
    "416": "No such range, or several",
    "429": "Too many requests, or logins that failed, from the address",
    "503": "The grants, the store or the ledger are away",
}
_READ = ("400", "401", "403", "404", "410", "416", "429", "503")
_PAIR, _MD5 = "^[0-9a-f]{2}$", "^[0-9a-f]{30}(\\.dir)?$"
_NAME, _PART = "^[0-9a-f]{64}[0-9a-z._-]*$", "^[A-Za-z0-9][A-Za-z0-9._-]*$"


def openapi(countries: Sequence[str]) -> dict[str, Any]:
    """Return the document of a gateway that serves ``countries``."""
    refused = {
        status: {"description": says, "content": json_of(ref("Error"))}
        for status, says in _REFUSALS.items()
    }
    country = in_path("country", {"type": "string", "enum": list(countries)})
    kinds = {
        f"{_shown(payload_prefix(ANY))}{{first}}/{{rest}}": (
            "payload",
            {"first": _PAIR, "rest": _MD5},
        ),
        "/{country}/{first}/{name}": ("sidecar", {"first": _PAIR, "name": _NAME}),
        f"{_shown(releases_prefix(ANY))}{{tag}}/{{file}}": (
            "release",
            {"tag": _PART, "file": _PART},
        ),
    }
    paths: dict[str, Any] = {
        path: {
            "parameters": [
                country,
                *(in_path(name, _text(pattern)) for name, pattern in parts.items()),
            ],
            "get": _read(name, refused),
        }
        for path, (name, parts) in kinds.items()
    }
    paths[f"{_shown(channel_prefix(ANY))}{{file}}"] = {
        "parameters": [country, in_path("file", _text("^([1-9][0-9]*\\.)?[a-z]+\\.json$"))],
        "get": {
            "operationId": "metadata",
            "summary": "Read signed metadata of the channels, for everyone",
            "responses": {
                "200": {"description": "The metadata", "content": {"application/json": {}}},
                **{status: refused[status] for status in _READ},
            },
        },
    }
    health = {"type": "object", "properties": {"status": {"type": "string"}}}
    said = json_of(health)
    paths["/healthz"] = {
        "get": {
            "operationId": "health",
            "summary": "Tell whether all countries can be read",
            "responses": {
                "200": {"description": "ok", "content": said},
                "503": {"description": "unavailable", "content": said},
            },
        }
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "pe-dvc gateway", "version": "1", "license": {"name": "MIT"}},
        "paths": paths | drs_paths(refused) | ended_paths(countries, refused),
        "components": {
            "schemas": {"Error": _ERROR, **DRS_SCHEMAS, **ENDED_SCHEMAS},
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


def _read(what: str, refused: dict[str, Any]) -> dict[str, Any]:
    data = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    return {
        "operationId": f"read-{what}",
        "summary": "Read an object; the read is noted before its first byte is sent",
        "security": NAMED,
        "parameters": [
            _header("X-PE-Project", "which project it is for"),
            _header("Range", "one range of bytes"),
            _header("If-Range", "the etag of the object that the range is of"),
            _header("If-None-Match", "the etag of the object that the reader has"),
        ],
        "responses": {
            "200": {"description": "The object", "content": data},
            "206": {"description": "A part of it", "content": data},
            "307": {"description": "It is at an address of the store, good for a minute"},
            "304": {"description": "It is what If-None-Match names"},
            **{status: refused[status] for status in _READ},
        },
    }


def _shown(prefix: str) -> str:
    """Return the path of what has a prefix in the country ``ANY``, of any country."""
    return f"/{prefix}".replace(f"/{ANY}/", "/{country}/", 1)


def _text(pattern: str) -> dict[str, Any]:
    return {"type": "string", "pattern": pattern}


def _header(name: str, says: str) -> dict[str, Any]:
    schema = {"type": "string"}
    return {"name": name, "in": "header", "required": False, "schema": schema, "description": says}
