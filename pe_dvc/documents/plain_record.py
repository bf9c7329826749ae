"""Manifests and codebooks, read without pydantic by who shows what they say. ADR 0032.

The models are the one description of a document; ``documents.plain_fields`` is made from them. What
is not read here is left to the models: so no refusal is decided, and none worded, in two places.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn, cast

from pe_dvc.documents.manifest_view import AboutView, BuildView, ContentsView, TableView
from pe_dvc.documents.payload import Payload
from pe_dvc.documents.plain_fields import RECORDS
from pe_dvc.documents.versions import check_version
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.json_reader import read_json

if TYPE_CHECKING:
    from pe_dvc.documents.codebook import Codebook
    from pe_dvc.documents.manifest import Manifest


class PlainRecord:
    """A part of a document, frozen. It has the fields of its model, and not pydantic's methods."""

    _extra: dict[str, Any]

    def __init__(self, fields: dict[str, Any], extra: dict[str, Any]) -> None:
        vars(self).update(fields)
        vars(self)["_extra"] = extra

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} is not set")

    def to_json(self) -> dict[str, Any]:
        """Return what ``Document.to_json`` does: without what is not set."""
        record = RECORDS[type(self).__name__]
        found = {}
        for name, schema in record["properties"].items():
            value = getattr(self, name)
            omitted = name in record["omitted"] and value == _default(schema)
            if value is not None and not omitted:
                found[name] = _json(value)
        return found | {name: value for name, value in self._extra.items() if value is not None}


def read_plain_manifest(data: bytes, *, where: str | None = None) -> Manifest:
    """Return a manifest's fields; each part of it is a ``PlainRecord``, if it is as usual.

    Raises as ``Manifest.from_bytes``, which reads it otherwise.
    """
    document = read_json(data, what="a manifest", where=where)
    check_version("manifest", document, where=where)
    try:
        Payload.of_document(document, where=where)
        return cast("Manifest", _record("Manifest", document))
    except (_NotPlain, FormatError):
        from pe_dvc.documents.manifest import Manifest

        return Manifest.from_bytes(data, where=where)


def read_plain_codebook(data: bytes | None, *, where: str | None = None) -> Codebook:
    """Return the same of a codebook, of None an empty one. Raises as ``Codebook.from_bytes``."""
    if data is None:
        return cast("Codebook", _record("Codebook", {}))
    document = read_json(data, what="a codebook", where=where)
    check_version("codebook", document, where=where)
    try:
        return cast("Codebook", _record("Codebook", document))
    except _NotPlain:
        from pe_dvc.documents.codebook import Codebook

        return Codebook.from_bytes(data, where=where)


class _NotPlain(Exception):  # noqa: N818 - it never leaves this module
    """Pydantic has to judge a value."""


class _CodebookView:
    """What ``documents.codebook`` has as well, which has the types."""

    def variable(self: Any, name: str) -> Any:
        """Return what a column means; an empty answer where nothing is known."""
        return self.variables.get(name) or _record("Variable", {})

    def entity(self: Any, name: str) -> Any:
        """Return what an entity is; an empty answer where nothing is known."""
        return self.entities.get(name) or _record("EntityText", {})


_VIEWS = {
    "About": AboutView,
    "Build": BuildView,
    "Codebook": _CodebookView,
    "Contents": ContentsView,
    "Table": TableView,
}
"""What these have beside their fields, as their models do."""


@cache
def _class(name: str) -> type[PlainRecord]:
    view = _VIEWS.get(name)
    return type(name, (PlainRecord,) if view is None else (view, PlainRecord), {})


def _record(name: str, value: Any) -> PlainRecord:
    record = RECORDS[name]
    if type(value) is not dict or any(key not in value for key in record["required"]):
        raise _NotPlain
    properties = record["properties"]
    fields = {
        key: _value(schema, value[key]) if key in value else _default(schema)
        for key, schema in properties.items()
    }
    return _class(name)(fields, {key: v for key, v in value.items() if key not in properties})


def _value(schema: dict[str, Any], value: Any) -> Any:
    """Return what a value means, by the part of JSON Schema that pydantic makes of the models."""
    if "$ref" in schema:
        return _record(schema["$ref"], value)
    if "anyOf" in schema:
        return _any_of(schema["anyOf"], value)
    kind = schema.get("type")
    if kind is None:
        return value
    if type(value) is not _TYPES[kind]:
        raise _NotPlain
    if kind == "array":
        return tuple(_value(schema["items"], item) for item in value)
    if kind == "object":
        return _mapping(schema, value)
    if kind == "string" and "pattern" in schema:
        _expect(_pattern(schema["pattern"]).fullmatch(value) is not None)
    elif kind == "integer":
        _expect(value >= schema.get("minimum", value))
        _expect(value <= schema.get("maximum", value))
        _expect(value > schema.get("exclusiveMinimum", value - 1))
    _expect(value in schema.get("enum", (value,)) and value == schema.get("const", value))
    return value


KEYWORDS = frozenset(
    [
        *("$ref", "additionalProperties", "anyOf", "const", "default", "enum", "exclusiveMinimum"),
        *("items", "maximum", "minimum", "pattern", "patternProperties", "type"),
    ]
)
"""What of JSON Schema is understood here: a test looks for others in what the models give."""

_TYPES: dict[str, type[Any]] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "null": type(None),
    "array": list,
    "object": dict,
}


def _any_of(options: list[dict[str, Any]], value: Any) -> Any:
    for option in options:
        try:
            return _value(option, value)
        except _NotPlain:
            continue
    raise _NotPlain


def _mapping(schema: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    if "patternProperties" in schema:
        ((pattern, of),) = schema["patternProperties"].items()
        _expect(all(_pattern(pattern).fullmatch(key) for key in value))
    else:
        of = schema["additionalProperties"]
    return {key: _value(of, inner) for key, inner in value.items()}


@cache
def _pattern(of_a_model: str) -> re.Pattern[str]:
    return re.compile(of_a_model, re.ASCII)


def _expect(right: bool) -> None:
    if not right:
        raise _NotPlain


def _default(schema: dict[str, Any]) -> Any:
    """Return what a field is that is not given."""
    if "default" in schema:
        default = schema["default"]
        return tuple(default) if isinstance(default, list) else default
    return {} if schema["type"] == "object" else ()


def _json(value: Any) -> Any:
    if isinstance(value, PlainRecord):
        return value.to_json()
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    if isinstance(value, dict):
        return {key: _json(inner) for key, inner in value.items()}
    return value
