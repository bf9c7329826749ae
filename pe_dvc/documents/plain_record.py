"""Manifests, codebooks and what a dvc.yaml says of a dataset, read without pydantic. ADR 0032.

The models are the one description of a document; ``documents.plain_fields`` is made from them. What
is not read here is left to the models: so no refusal is decided, and none worded, in two places.
"""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, NoReturn, cast

from pe_dvc.documents.artifact_view import ArtifactView
from pe_dvc.documents.manifest_view import (
    AboutView,
    BuildView,
    ContentsView,
    HeadView,
    TableView,
    UnknownView,
)
from pe_dvc.documents.payload import Payload
from pe_dvc.documents.plain_fields import RECORDS
from pe_dvc.documents.plain_values import NotPlain, not_plain, reader
from pe_dvc.documents.versions import check_version
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.json_reader import read_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from pe_dvc.documents.codebook import Codebook
    from pe_dvc.documents.dataset_meta import DatasetMeta
    from pe_dvc.documents.gates import Gates
    from pe_dvc.documents.manifest import Manifest


class PlainRecord:
    """A part of a document, frozen. It has the fields of its model, and not pydantic's methods."""

    _extra: dict[str, Any]

    def __init__(self, fields: dict[str, Any]) -> None:
        object.__setattr__(self, "__dict__", fields)

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
    except (NotPlain, FormatError):
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
    except NotPlain:
        from pe_dvc.documents.codebook import Codebook

        return Codebook.from_bytes(data, where=where)


def read_plain_meta(value: Any, *, file: str, path: str) -> DatasetMeta:
    """Return the same of the mapping ``meta.pe`` of a dataset, found in ``file`` under ``path``.

    Raises as ``read_strict``.
    """
    try:
        return cast("DatasetMeta", _record("DatasetMeta", value))
    except NotPlain:
        from pe_dvc.documents.dataset_meta import DatasetMeta
        from pe_dvc.documents.pydantic_reader import read_strict

        return read_strict(DatasetMeta, value, file=file, path=path)


class _CodebookView:
    """What ``documents.codebook`` has as well, which has the types."""

    def variable(self: Any, name: str) -> Any:
        """Return what a column means; an empty answer where nothing is known."""
        return self.variables.get(name) or _record("Variable", {})

    def entity(self: Any, name: str) -> Any:
        """Return what an entity is; an empty answer where nothing is known."""
        return self.entities.get(name) or _record("EntityText", {})


class _MetaView:
    """What ``documents.dataset_meta`` has as well: who declares gates leaves all to pydantic."""

    @cached_property
    def gates(self) -> Gates:
        from pe_dvc.documents.gates import Gates

        return Gates()


_VIEWS = {
    "About": AboutView,
    "Artifact": ArtifactView,
    "Build": BuildView,
    "Codebook": _CodebookView,
    "Contents": ContentsView,
    "DatasetMeta": _MetaView,
    "Manifest": HeadView,
    "Table": TableView,
    "Unknown": UnknownView,
}
"""What these have beside their fields, as their models do."""


@cache
def _class(name: str) -> type[PlainRecord]:
    view = _VIEWS.get(name)
    return type(name, (PlainRecord,) if view is None else (view, PlainRecord), {})


def _record(name: str, value: Any) -> PlainRecord:
    return _record_reader(name)(value)


@cache
def _record_reader(name: str) -> Callable[[Any], PlainRecord]:
    """Return what reads a record: a thousand manifests are read by the same few functions."""
    record = RECORDS.get(name)
    if record is None:
        return not_plain
    made, required, is_closed = _class(name), frozenset(record["required"]), record["closed"]
    readers = {key: reader(schema, _record) for key, schema in record["properties"].items()}
    # A record that is not given is made by the view of the one that has it.
    defaults: dict[str, Any] = {"_extra": {}}
    for key, schema in record["properties"].items():
        if key not in required and "$ref" not in schema:
            defaults[key] = _default(schema)
    mappings = [key for key, default in defaults.items() if default == {}]

    def read(value: Any) -> PlainRecord:
        if type(value) is not dict or not required <= value.keys():
            raise NotPlain
        fields = defaults.copy()
        for key in mappings:
            fields[key] = {}
        for key, given in value.items():
            if key in readers:
                fields[key] = readers[key](given)
            elif is_closed:
                raise NotPlain
            else:
                fields["_extra"][key] = given
        return made(fields)

    return read


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
