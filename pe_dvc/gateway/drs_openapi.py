"""What the OpenAPI document says of the DRS view: its paths, and the documents that it answers."""

from __future__ import annotations

from typing import Any

from pe_dvc.gateway.drs_documents import MOST_AT_ONCE, PREFIX, PRESIGNED
from pe_dvc.gateway.drs_requests import MOST_PASSPORTS
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

_TEXTS = list_of(TEXT)
_PASSPORTS = list_of(TEXT, maxItems=MOST_PASSPORTS)
_WAYS = ["None", "BasicAuth", "BearerAuth", "PassportAuth"]
_REFUSED = ("400", "401", "403", "404", "408", "410", "413", "429", "503")


_COUNT = {"type": "integer", "minimum": 0}
_SUMMARY = object_of([], requested=_COUNT, resolved=_COUNT, unresolved=_COUNT)
_UNRESOLVED = list_of(object_of([], error_code=_COUNT, object_ids=_TEXTS))

SCHEMAS: dict[str, Any] = {
    "DrsAuthorizations": object_of(
        ["supported_types"],
        drs_object_id=TEXT,
        supported_types=list_of({"type": "string", "enum": _WAYS}),
        passport_auth_issuers=_TEXTS,
        bearer_auth_issuers=_TEXTS,
    ),
    "DrsAccessURL": object_of(["url"], url=TEXT, drs_object_id=TEXT, drs_access_id=TEXT),
    "DrsContents": object_of(
        ["name", "id"],
        name=TEXT,
        id=SHA256,
        drs_uri=_TEXTS,
        contents=list_of(ref("DrsContents")),
    ),
    "DrsObject": object_of(
        ["id", "self_uri", "size", "created_time", "checksums"],
        id=SHA256,
        name=TEXT,
        self_uri=TEXT,
        size=_COUNT,
        created_time=TEXT,
        updated_time=TEXT,
        version=TEXT,
        mime_type=TEXT,
        description=TEXT,
        aliases=_TEXTS,
        checksums=list_of(object_of(["type", "checksum"], type=TEXT, checksum=SHA256), minItems=1),
        access_methods=list_of(
            object_of(
                ["type"],
                type={"type": "string", "enum": ["https"]},
                access_id=TEXT,
                access_url=ref("DrsAccessURL"),
                authorizations=ref("DrsAuthorizations"),
            ),
            minItems=1,
        ),
        contents=list_of(ref("DrsContents")),
    ),
    "DrsService": object_of(
        ["id", "name", "type", "organization", "version", "maxBulkRequestLength"],
        id=TEXT,
        name=TEXT,
        version=TEXT,
        maxBulkRequestLength=_COUNT,
        type=object_of(["group", "artifact", "version"], group=TEXT, artifact=TEXT, version=TEXT),
        organization=object_of(["name", "url"], name=TEXT, url=TEXT),
    ),
}


def drs_paths(refused: dict[str, Any]) -> dict[str, Any]:
    """Return the paths; ``refused`` are the answers without data, by status."""

    def does(
        name: str,
        schema: dict[str, Any],
        *,
        body: dict[str, Any] | None = None,
        open_: bool = False,
    ) -> dict[str, Any]:
        found: dict[str, Any] = {
            "operationId": f"drs-{name}",
            "responses": {
                "200": {"description": "as GA4GH's DRS 1.5 says", "content": json_of(schema)},
                **{status: refused[status] for status in _REFUSED},
            },
        }
        if not open_:
            # Passports are in the body, where OpenAPI has no name for who asks.
            passports: list[dict[str, Any]] = [{}] if body is not None else []
            found["security"] = [*NAMED, *passports]
        if body is not None:
            found["requestBody"] = {"required": True, "content": json_of(body)}
        return found

    drs_object, ways, url = ref("DrsObject"), ref("DrsAuthorizations"), ref("DrsAccessURL")
    one = in_path("object_id", SHA256)
    access = in_path("access_id", {"enum": [PRESIGNED]})
    expand = {"name": "expand", "in": "query", "schema": {"type": "string", "enum": _BOOLEANS}}
    many = list_of(SHA256, minItems=1, maxItems=MOST_AT_ONCE)
    pair = object_of(
        ["bulk_object_id", "bulk_access_ids"],
        bulk_object_id=SHA256,
        bulk_access_ids=list_of(TEXT, minItems=1, maxItems=1),
    )
    by_passport = object_of([], passports=_PASSPORTS, expand={"type": "boolean"})
    of_many = object_of(["bulk_object_ids"], passports=_PASSPORTS, bulk_object_ids=many)
    of_pairs = object_of(
        ["bulk_object_access_ids"],
        passports=_PASSPORTS,
        bulk_object_access_ids=list_of(pair, minItems=1, maxItems=MOST_AT_ONCE),
    )
    ids = object_of(["bulk_object_ids"], bulk_object_ids=many)
    return {
        f"{PREFIX}/service-info": {"get": does("service", ref("DrsService"), open_=True)},
        f"{PREFIX}/objects/{{object_id}}": {
            "parameters": [one],
            "options": does("ways", ways, open_=True),
            "get": {**does("object", drs_object), "parameters": [expand]},
            "post": {**does("object-by-passport", drs_object, body=by_passport)},
        },
        f"{PREFIX}/objects/{{object_id}}/access/{{access_id}}": {
            "parameters": [one, access],
            "get": does("access", url),
            "post": does("access-by-passport", url, body=object_of([], passports=_PASSPORTS)),
        },
        f"{PREFIX}/objects": {
            "options": does(
                "ways-of-many", _many("resolved_drs_object", ways), body=ids, open_=True
            ),
            "post": does("objects", _many("resolved_drs_object", drs_object), body=of_many),
        },
        f"{PREFIX}/objects/access": {
            "post": does("accesses", _many("resolved_drs_object_access_urls", url), body=of_pairs)
        },
    }


_BOOLEANS = ["true", "false"]


def _many(name: str, items: dict[str, Any]) -> dict[str, Any]:
    more = {name: list_of(items)}
    return object_of(["summary"], summary=_SUMMARY, unresolved_drs_objects=_UNRESOLVED, **more)
