"""What the OpenAPI document says of the DRS view: its paths, and the documents that it answers."""

from __future__ import annotations

from typing import Any

from pe_dvc.gateway.drs_documents import MOST_AT_ONCE, PREFIX
from pe_dvc.gateway.drs_requests import MOST_PASSPORTS

_TEXT: dict[str, Any] = {"type": "string"}
_SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_TEXTS = {"type": "array", "items": _TEXT}
_PASSPORTS = {"type": "array", "items": _TEXT, "maxItems": MOST_PASSPORTS}
_WAYS = ["None", "BasicAuth", "BearerAuth", "PassportAuth"]
_REFUSED = ("400", "401", "403", "404", "408", "410", "413", "429", "503")


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


_COUNT = {"type": "integer", "minimum": 0}
_SUMMARY = _object([], requested=_COUNT, resolved=_COUNT, unresolved=_COUNT)
_UNRESOLVED = _list(_object([], error_code=_COUNT, object_ids=_TEXTS))

SCHEMAS: dict[str, Any] = {
    "DrsAuthorizations": _object(
        ["supported_types"],
        drs_object_id=_TEXT,
        supported_types=_list({"type": "string", "enum": _WAYS}),
        passport_auth_issuers=_TEXTS,
        bearer_auth_issuers=_TEXTS,
    ),
    "DrsAccessURL": _object(["url"], url=_TEXT, drs_object_id=_TEXT, drs_access_id=_TEXT),
    "DrsContents": _object(
        ["name", "id"],
        name=_TEXT,
        id=_SHA256,
        drs_uri=_TEXTS,
        contents=_list(_ref("DrsContents")),
    ),
    "DrsObject": _object(
        ["id", "self_uri", "size", "created_time", "checksums"],
        id=_SHA256,
        name=_TEXT,
        self_uri=_TEXT,
        size=_COUNT,
        created_time=_TEXT,
        updated_time=_TEXT,
        version=_TEXT,
        mime_type=_TEXT,
        description=_TEXT,
        aliases=_TEXTS,
        checksums=_list(_object(["type", "checksum"], type=_TEXT, checksum=_SHA256), minItems=1),
        access_methods=_list(
            _object(
                ["type"],
                type={"type": "string", "enum": ["https"]},
                access_id=_TEXT,
                access_url=_ref("DrsAccessURL"),
                authorizations=_ref("DrsAuthorizations"),
            ),
            minItems=1,
        ),
        contents=_list(_ref("DrsContents")),
    ),
    "DrsService": _object(
        ["id", "name", "type", "organization", "version", "maxBulkRequestLength"],
        id=_TEXT,
        name=_TEXT,
        version=_TEXT,
        maxBulkRequestLength=_COUNT,
        type=_object(["group", "artifact", "version"], group=_TEXT, artifact=_TEXT, version=_TEXT),
        organization=_object(["name", "url"], name=_TEXT, url=_TEXT),
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
        given = {"application/json": {"schema": schema}}
        found: dict[str, Any] = {
            "operationId": f"drs-{name}",
            "responses": {
                "200": {"description": "as GA4GH's DRS 1.5 says", "content": given},
                **{status: refused[status] for status in _REFUSED},
            },
        }
        if not open_:
            # Passports are in the body, where OpenAPI has no name for who asks.
            passports: list[dict[str, Any]] = [{}] if body is not None else []
            found["security"] = [{"bearer": []}, {"basic": []}, *passports]
        if body is not None:
            content = {"application/json": {"schema": body}}
            found["requestBody"] = {"required": True, "content": content}
        return found

    drs_object, ways, url = _ref("DrsObject"), _ref("DrsAuthorizations"), _ref("DrsAccessURL")
    one = {"name": "object_id", "in": "path", "required": True, "schema": _SHA256}
    access = {
        "name": "access_id",
        "in": "path",
        "required": True,
        "schema": {"enum": ["presigned"]},
    }
    expand = {"name": "expand", "in": "query", "schema": {"type": "string", "enum": _BOOLEANS}}
    many = _list(_SHA256, minItems=1, maxItems=MOST_AT_ONCE)
    pair = _object(
        ["bulk_object_id", "bulk_access_ids"],
        bulk_object_id=_SHA256,
        bulk_access_ids=_list(_TEXT, minItems=1, maxItems=1),
    )
    by_passport = _object([], passports=_PASSPORTS, expand={"type": "boolean"})
    of_many = _object(["bulk_object_ids"], passports=_PASSPORTS, bulk_object_ids=many)
    of_pairs = _object(
        ["bulk_object_access_ids"],
        passports=_PASSPORTS,
        bulk_object_access_ids=_list(pair, minItems=1, maxItems=MOST_AT_ONCE),
    )
    ids = _object(["bulk_object_ids"], bulk_object_ids=many)
    return {
        f"{PREFIX}/service-info": {"get": does("service", _ref("DrsService"), open_=True)},
        f"{PREFIX}/objects/{{object_id}}": {
            "parameters": [one],
            "options": does("ways", ways, open_=True),
            "get": {**does("object", drs_object), "parameters": [expand]},
            "post": {**does("object-by-passport", drs_object, body=by_passport)},
        },
        f"{PREFIX}/objects/{{object_id}}/access/{{access_id}}": {
            "parameters": [one, access],
            "get": does("access", url),
            "post": does("access-by-passport", url, body=_object([], passports=_PASSPORTS)),
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
    more = {name: _list(items)}
    return _object(["summary"], summary=_SUMMARY, unresolved_drs_objects=_UNRESOLVED, **more)
