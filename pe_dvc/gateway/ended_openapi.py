"""What the OpenAPI document says of grants that ended, and of statements of destruction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.documents.statement_bundle import PAYLOAD_TYPE
from pe_dvc.gateway.ended_app import ACCESS, STATEMENTS
from pe_dvc.gateway.openapi_parts import (
    NAMED,
    SHA256,
    TEXT,
    in_path,
    json_of,
    list_of,
    object_of,
    ref,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_DAY = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
_BASE64 = {"type": "string", "contentEncoding": "base64"}
_ASKED = ("400", "401", "404", "429", "503")
_STATED = ("400", "401", "403", "404", "408", "413", "429", "503")


def _object(**properties: Any) -> dict[str, Any]:
    return object_of(properties, **properties)


SCHEMAS: dict[str, Any] = {
    "Access": _object(
        country=TEXT,
        person=TEXT,
        contact={**TEXT, "description": "whom to ask for access"},
        grants=list_of(
            _object(
                id=TEXT,
                project=TEXT,
                datasets=list_of(TEXT),
                raw_sources=list_of(TEXT),
                licence=TEXT,
                **{"from": _DAY},
                until={**_DAY, "description": "the last day, in UTC"},
                state={"type": "string", "enum": ["live", "ended", "not yet"]},
            )
        ),
        ended=list_of(
            {
                **_object(
                    grant=TEXT,
                    dataset=TEXT,
                    artifacts={**list_of(SHA256), "description": "sha256 of files, of directories"},
                    documents={**list_of(SHA256), "description": "sha256 of manifests, sidecars"},
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
                **list_of(_object(keyid=TEXT, sig=_BASE64)),
                "minItems": 1,
                "maxItems": 1,
                "description": "by the key in the statement",
            },
        ),
        "description": "a DSSE envelope, on one line",
    },
    "Kept": _object(
        entry={"type": "integer", "minimum": 0, "description": "the ledger's entry"},
        sha256={**SHA256, "description": "of the statement as it was sent, which the entry has"},
    ),
}


def ended_paths(countries: Sequence[str], refused: dict[str, Any]) -> dict[str, Any]:
    """Return the paths; ``refused`` are the answers without data, by status."""
    country = in_path("country", {"type": "string", "enum": list(countries)})
    return {
        f"/{ACCESS}/{{country}}": {
            "parameters": [country],
            "get": {
                "operationId": "access",
                "summary": "Tell a person their grants, and what they must delete",
                "security": NAMED,
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
                "security": NAMED,
                "requestBody": {"required": True, "content": json_of(ref("SignedStatement"))},
                "responses": {
                    "201": _said("It is in the ledger", "Kept"),
                    **{status: refused[status] for status in _STATED},
                },
            },
        },
    }


def _said(what: str, name: str) -> dict[str, Any]:
    return {"description": what, "content": json_of(ref(name))}
