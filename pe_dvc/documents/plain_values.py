"""Values of JSON and YAML, read by the part of JSON Schema that pydantic makes of the models."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Read = Callable[[Any], Any]
"""Gives what a value means; raises NotPlain."""
ReadRecord = Callable[[str, Any], Any]
"""Gives what a record is, by its name."""


class NotPlain(Exception):  # noqa: N818 - it never leaves documents.plain_record
    """Pydantic has to judge a value."""


def not_plain(_: Any) -> NoReturn:
    """Leave a value to pydantic."""
    raise NotPlain


def reader(schema: dict[str, Any], record: ReadRecord) -> Read:
    """Return what reads a value of a schema; ``record`` reads those that it names."""
    if "$ref" in schema:
        return partial(record, schema["$ref"])
    if "anyOf" in schema:
        options = schema["anyOf"]
        return _any_of([reader(each, record) for each in options], null={"type": "null"} in options)
    kind = schema.get("type")
    if kind is None:
        return lambda value: value
    if kind == "array":
        return _array(reader(schema["items"], record))
    if kind == "object":
        return _mapping(schema, record)
    return _scalar(_TYPES[kind], tuple(_rules(schema)))


_TYPES: dict[str, type[Any]] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "null": type(None),
}


def _scalar(kind: type[Any], rules: Sequence[Callable[[Any], bool]]) -> Read:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise NotPlain
        for keeps in rules:
            if not keeps(value):
                raise NotPlain
        return value

    return read


def _rules(schema: dict[str, Any]) -> Iterator[Callable[[Any], bool]]:
    """Yield what tells of a value of the right type whether it keeps to a rule."""
    if "pattern" in schema:
        matches = _pattern(schema["pattern"]).fullmatch
        yield lambda value: matches(value) is not None
    for key, rule in _RULES.items():
        if key in schema:
            yield partial(rule, schema[key])


_RULES: dict[str, Callable[[Any, Any], bool]] = {
    "const": operator.eq,
    "enum": operator.contains,
    "exclusiveMinimum": operator.lt,
    "maxLength": lambda most, value: len(value) <= most,
    "maximum": operator.ge,
    "minimum": operator.le,
}
"""What a rule's value and a value tell."""


def _any_of(readers: Sequence[Read], *, null: bool) -> Read:
    def read(value: Any) -> Any:
        if value is None and null:
            return None
        for each in readers:
            try:
                return each(value)
            except NotPlain:
                continue
        raise NotPlain

    return read


def _array(item: Read) -> Read:
    def read(value: Any) -> tuple[Any, ...]:
        if type(value) is not list:
            raise NotPlain
        return tuple(map(item, value))

    return read


def _mapping(schema: dict[str, Any], record: ReadRecord) -> Read:
    ((pattern, of),) = schema.get("patternProperties", {None: None}).items()
    key = _scalar(str, () if pattern is None else tuple(_rules({"pattern": pattern})))
    inner = reader(of or schema["additionalProperties"], record)

    def read(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise NotPlain
        return {key(name): inner(each) for name, each in value.items()}

    return read


KEYWORDS = frozenset(
    [
        *("$ref", "additionalProperties", "anyOf", "default", "items", "pattern"),
        *("patternProperties", "type", *_RULES),
    ]
)
"""What of JSON Schema is understood here: a test looks for others in what the models give."""


@cache
def _pattern(of_a_model: str) -> re.Pattern[str]:
    return re.compile(of_a_model, re.ASCII)
