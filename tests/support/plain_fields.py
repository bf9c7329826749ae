"""pe_dvc/documents/plain_fields.py, made from the models by ``make reference``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.documents.codebook import Codebook
from pe_dvc.documents.dataset_meta import DatasetMeta, DeclaredEntity
from pe_dvc.documents.manifest import Manifest
from pe_dvc.documents.model import Record
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

MODULE = ROOT / "pe_dvc/documents/plain_fields.py"
HEAD = '''\
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
'''


def records() -> dict[str, Any]:
    """Return the JSON Schema of each model, by its name, without what people read."""
    found: dict[str, Any] = {}
    for document in (Manifest, Codebook, DatasetMeta):
        schema = document.model_json_schema()
        for name, record in {**schema.pop("$defs"), document.__name__: schema}.items():
            if name in models():
                assert name not in found, f"two models are called {name}"
                found[name] = _record(models()[name], record)
    return found


def models() -> dict[str, type[BaseModel]]:
    """Return every model by its name: of a declaration those that are read plainly, so no gates."""
    found: list[type[BaseModel]] = [*_all_models(Record), DatasetMeta, DeclaredEntity]
    return {model.__name__: model for model in found}


def module() -> str:
    """Return the whole module."""
    lines = [HEAD]
    for name, record in records().items():
        lines += [f"    {name!r}: {{\n"]
        said = (f"{key!r}: {record[key]!r}" for key in ("required", "omitted", "closed"))
        lines += [f"        {', '.join(said)},\n"]
        lines += ["        'properties': {\n"]
        lines += [f"            {key!r}: {of!r},\n" for key, of in record["properties"].items()]
        lines += ["        },\n    },\n"]
    return "".join([*lines, "}\n"]).replace("'", '"')


def _all_models(model: type[Record]) -> Iterator[type[Record]]:
    for each in model.__subclasses__():
        yield each
        yield from _all_models(each)


def _record(model: type[BaseModel], record: dict[str, Any]) -> dict[str, Any]:
    omitted = []
    for name, field in model.model_fields.items():
        if field.exclude_if is not None:
            assert field.exclude_if(field.get_default(call_default_factory=True)), name
            omitted.append(name)
    properties = {name: _plain(schema) for name, schema in record["properties"].items()}
    return {
        "required": record.get("required", []),
        "omitted": omitted,
        "closed": record.get("additionalProperties") is False,
        "properties": properties,
    }


def _plain(schema: Any) -> Any:
    """Return a schema without texts, and with names of records in place of their addresses."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("$ref") == "#/$defs/JsonValue":
        return {}
    found = {}
    for key, value in schema.items():
        if key == "$ref":
            found[key] = value.removeprefix("#/$defs/")
        elif key not in ("title", "description"):
            found[key] = value if key in ("default", "enum", "const") else _plain(value)
    return found


if __name__ == "__main__":
    MODULE.write_text(module())
