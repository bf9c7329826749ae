"""How people's declarations are read: every key is known, and an error says which one to change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from pe_dvc.documents.key_errors import missing_key, not_a_mapping, unknown_key, wrong_value

if TYPE_CHECKING:
    from pe_dvc.primitives.errors import FormatError


class StrictRecord(BaseModel):
    """A frozen part of a declaration: a key that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


_Model = TypeVar("_Model", bound=StrictRecord)


def read_strict(model: type[_Model], value: Any, *, file: str, path: str) -> _Model:
    """Check ``value``, found in ``file`` under the key ``path``, and return it as a ``model``.

    An empty ``path`` is the whole file.
    Raises FormatError naming the file, the key and the remedy.
    """
    if not isinstance(value, Mapping):
        raise not_a_mapping(value, _required(model), file=file, path=path)
    try:
        return model.model_validate(dict(value))
    except ValidationError as error:
        raise _as_format_error(error, model, file, path) from None


def _as_format_error(
    error: ValidationError, model: type[BaseModel], file: str, path: str
) -> FormatError:
    # A key that is not known comes first: it is likely the missing one, misspelt.
    errors = sorted(error.errors(include_url=False), key=lambda e: e["type"] != "extra_forbidden")
    first = errors[0]
    location = [str(part) for part in first["loc"]]
    key = ".".join(filter(None, [path, *location])) or "document"
    if first["type"] == "extra_forbidden":
        known = list(_model_at(model, location[:-1]).model_fields)
        above = ".".join(filter(None, [path, *location[:-1]]))
        return unknown_key(location[-1], known, file=file, path=above)
    if first["type"] == "missing":
        return missing_key(file=file, path=key)
    fault = first["msg"][:1].lower() + first["msg"][1:]
    return wrong_value(fault, first["input"], file=file, path=key)


def _required(model: type[BaseModel]) -> list[str]:
    return [name for name, field in model.model_fields.items() if field.is_required()]


def _model_at(model: type[BaseModel], location: list[str]) -> type[BaseModel]:
    """Follow the keys of ``location`` down to the model that refused one."""
    for part in location:
        field = model.model_fields.get(part)
        if field is not None:
            model = _inner_model(field.annotation) or model
    return model


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_inner_model(argument) for argument in get_args(annotation))
    return next((found for found in inner if found is not None), None)
