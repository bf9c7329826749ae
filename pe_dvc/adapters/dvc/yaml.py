"""DVC's YAML, and the templates in it.

DVC reads YAML 1.2, where ``no`` is a string and ``010`` is ten; PyYAML resolves YAML 1.1. So the
scalars are resolved here, on libyaml's parser: 25 times the speed of the one in Python.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

import yaml

from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

_TAG = "tag:yaml.org,2002:"
_TEMPLATE = re.compile(r"(?<!\\)\$\{.*?\}")


class _Loader(yaml.CSafeLoader):
    """Scalars by the core schema of YAML 1.2; dates stay strings, as JSON has none."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (PyYAML's own name and place)

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """Return what a node means.

        PyYAML makes a generator of every mapping and list, which takes as long as to parse them.
        """
        kind = type(node)
        if kind is yaml.ScalarNode and node.tag == _TAG + "str":
            return node.value
        if node in self.constructed_objects:
            return self.constructed_objects[node]
        if kind is yaml.MappingNode and node.tag == _TAG + "map":
            self.flatten_mapping(node)
            mapping = self.constructed_objects[node] = {}
            for key_node, value_node in node.value:
                key = self.construct_object(key_node)
                if isinstance(key, (dict, list)):
                    raise yaml.constructor.ConstructorError(
                        None, None, "found a mapping or a list as a key", key_node.start_mark
                    )
                mapping[key] = self.construct_object(value_node)
            return mapping
        if kind is yaml.SequenceNode and node.tag == _TAG + "seq":
            items = self.constructed_objects[node] = []
            items.extend(map(self.construct_object, node.value))
            return items
        return super().construct_object(node, deep=True)


def _construct_int(loader: Any, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node)).replace("_", "")
    return int(text, 0) if re.match(r"[-+]?0[xob]", text) else int(text)


def _construct_float(loader: Any, node: yaml.ScalarNode) -> float:
    text = str(loader.construct_scalar(node)).replace("_", "").lower()
    return float(re.sub(r"\.(inf|nan)", r"\1", text))


# ruamel's schema for 1.2, the one that DVC has: underscores in numbers, and binary ones.
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?(?:[0-9_]+|0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+)", "-+0123456789"),
    (
        "float",
        r"[-+]?[0-9][0-9_]*(?:\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)"
        r"|[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
    ),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(_TAG + _tag, re.compile(rf"(?:{_pattern})\Z"), list(_first))
_Loader.add_constructor(_TAG + "int", _construct_int)
_Loader.add_constructor(_TAG + "float", _construct_float)


def read_yaml(data: bytes, name: str) -> dict[str, Any]:
    """Return the mapping in the bytes of a YAML file, called ``name`` in messages.

    Raises FormatError, with the line, for what is not YAML or not a mapping.
    """
    try:
        value = yaml.load(data, Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problem = " ".join(str(error).split())
        raise FormatError(
            f"is not YAML: {problem}", where=name, remedy=f"Correct {name}."
        ) from None
    if not isinstance(value if value is not None else {}, dict):
        raise FormatError(
            "is not a mapping of keys", where=name, remedy=f"Correct {name}, or restore it."
        )
    return value or {}


def has_template(text: str) -> bool:
    """Tell whether DVC would replace a ``${…}`` in ``text``."""
    return _TEMPLATE.search(text) is not None


def template_pattern(template: str) -> re.Pattern[str]:
    """Return a pattern of the strings that ``template`` can become once DVC resolved it."""
    literals = (part.replace("\\${", "${") for part in _TEMPLATE.split(template))
    return re.compile(".*".join(map(re.escape, literals)), re.DOTALL)


def stage_keys(definition: Mapping[str, Any]) -> set[str] | None:
    """Return the keys of a ``foreach`` or ``matrix`` stage, as they follow the ``@`` in dvc.lock.

    None where they hang on a template, and so are not known from dvc.yaml alone.
    """
    if "matrix" in definition:
        axes = list(definition["matrix"].values())
        if any(isinstance(axis, str) or _holds_template(axis) for axis in axes):
            return None
        names = [
            [_key(v, f"{k}{i}") for i, v in enumerate(axis)]
            for k, axis in definition["matrix"].items()
        ]
        return {"-".join(combination) for combination in itertools.product(*names)}
    items = definition["foreach"]
    if isinstance(items, str) or _holds_template(items):
        return None
    if isinstance(items, dict):
        return {_key(key, "") for key in items}
    if any(isinstance(item, (dict, list)) for item in items):
        return {str(index) for index in range(len(items))}
    return {_key(item, "") for item in items}


def _key(value: Any, composite: str) -> str:
    if isinstance(value, (dict, list)):
        return composite
    return str(value).lower() if isinstance(value, bool) else str(value)


def _holds_template(value: Any) -> bool:
    if isinstance(value, str):
        return has_template(value)
    if isinstance(value, dict):
        return any(_holds_template(item) for item in (*value, *value.values()))
    return isinstance(value, list) and any(map(_holds_template, value))
