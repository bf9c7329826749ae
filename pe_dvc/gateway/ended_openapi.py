"""What the OpenAPI document says of grants that ended, and of statements of destruction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.documents.statement_bundle import PAYLOAD_TYPE
from pe_dvc.gateway.ended_app import ACCESS, STATEMENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

_TEXT: dict[str, Any] = {"type": "string"}
_DAY = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
_SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_BASE64 = {"type": "string", "contentEncoding": "base64"}
_ASKED = ("400", "401", "404", "429", "503")
_STATED = ("400", "401", "403", "404", "408", "413", "429", "503")


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


SCHEMAS: dict[str, Any] = {
    "Access": _object(
        country=_TEXT,
        person=_TEXT,
        contact={**_TEXT, "description": "whom to ask for access"},
        grants=_list(
            _object(
                id=_TEXT,
                project=_TEXT,
                datasets=_list(_TEXT),
                raw_sources=_list(_TEXT),
                licence=_TEXT,
                **{"from": _DAY},
                until={**_DAY, "description": "the last day, in UTC"},
                state={"type": "string", "enum": ["live", "ended", "not yet"]},
            )
        ),
        ended=_list(
            {
                **_object(
                    grant=_TEXT,
                    dataset=_TEXT,
                    artifacts={**_list(_SHA256), "description": "sha256 of files, of directories"},
                    documents={**_list(_SHA256), "description": "sha256 of manifests, sidecars"},
                ),
                "description": "what must be deleted, as no grant that is live covers it",
            }
        ),
    ),
    "SignedStatement": {
        **_object(
            payload={**_BASE64, "description": "an in-toto statement of destruction"},
            payloadType={"type": "string", "const": PAYLOAD_TYPE},
            signatures={
                **_list(_object(keyid=_TEXT, sig=_BASE64)),
                "minItems": 1,
                "maxItems": 1,
                "description": "by the key in the statement",
            },
        ),
        "description": "a DSSE envelope, on one line",
    },
    "Kept": _object(
        entry={"type": "integer", "minimum": 0, "description": "the ledger's entry"},
        sha256={**_SHA256, "description": "of the statement as it was sent, which the entry has"},
    ),
}


def ended_paths(countries: Sequence[str], refused: dict[str, Any]) -> dict[str, Any]:
    """Return the paths; ``refused`` are the answers without data, by status."""
    country = {
        "name": "country",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "enum": list(countries)},
    }
    security: list[dict[str, list[str]]] = [{"bearer": []}, {"basic": []}]
    sent = {"application/json": {"schema": _ref("SignedStatement")}}
    return {
        f"/{ACCESS}/{{country}}": {
            "parameters": [country],
            "get": {
                "operationId": "access",
                "summary": "Tell a person their grants, and what they must delete",
                "security": security,
                "responses": {
                    "200": _said("Their grants, whatever the token is limited to", "Access"),
                    **{status: refused[status] for status in _ASKED},
                },
            },
        },
        f"/{STATEMENTS}/{{country}}": {
            "parameters": [country],
            "post": {
                "operationId": "state-destruction",
                "summary": "State that the data of a grant were deleted",
                "security": security,
                "requestBody": {"required": True, "content": sent},
                "responses": {
                    "201": _said("It is in the ledger", "Kept"),
                    **{status: refused[status] for status in _STATED},
                },
            },
        },
    }


def _said(what: str, name: str) -> dict[str, Any]:
    return {"description": what, "content": {"application/json": {"schema": _ref(name)}}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
