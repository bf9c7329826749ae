"""DVC's YAML: the one reader of dvc.yaml, dvc.lock and ``*.dvc``.

DVC reads YAML 1.2, where ``no`` is a string and ``010`` is ten; PyYAML resolves YAML 1.1. So the
scalars are resolved here, on libyaml's parser: 25 times the speed of the one in Python.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

import yaml

from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.merge_conflict import conflict_error
from pe_dvc.primitives.printable import brief

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_BYTES = 16 * 1024 * 1024
"""Most bytes of a file that are read: a hundred thousand outputs in one dvc.lock."""
MAX_DEPTH = 64
"""How deep mappings and lists may stand in each other."""
MAX_DIGITS = 1000
"""Characters of a whole number; parameters may be longer than 64 bits."""
ALIASED_CHARACTERS = 1_000_000
"""What aliases and merges may repeat, in characters, beside four times the file's own length."""

_TAG = "tag:yaml.org,2002:"
_INDENTED = re.compile(rb"[ \t?:-]{%d}" % MAX_DEPTH)
"""Without so much before a value, and without brackets, nothing is nested deeply."""


class _Loader(yaml.CSafeLoader):
    """Scalars by the core schema of YAML 1.2; dates stay strings, as JSON has none.

    No tag but those of the schema is known. What is made is weighed, by characters, since with
    aliases and merges a few lines may stand for more than any memory holds.
    """

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (PyYAML's own name and place)
    yaml_constructors: ClassVar[dict[Any, Any]] = {}

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._most = 4 * len(data) + ALIASED_CHARACTERS
        self._weight = self._depth = 0
        self._weights: dict[Any, int] = {}
        self._merged: set[Any] = set()

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """Return what a node means.

        PyYAML makes a generator of every mapping and list, which takes as long as to parse them.
        """
        kind = type(node)
        if kind is yaml.ScalarNode and node.tag == _TAG + "str":
            self._weight += len(node.value) + 1
            return node.value
        if node in self.constructed_objects:
            return self._again(node)
        if kind is yaml.MappingNode and node.tag == _TAG + "map":
            return self._collection(node, {}, self._fill_mapping)
        if kind is yaml.SequenceNode and node.tag == _TAG + "seq":
            return self._collection(node, [], self._fill_list)
        return super().construct_object(node, deep=True)

    def flatten_mapping(self, node: Any) -> None:
        """Put what the keys ``<<`` name into a mapping."""
        if node not in self._merged:
            self._merged.add(node)
            _refuse_twins(node)
            super().flatten_mapping(node)
        self._weigh(len(node.value), node)

    def _collection(self, node: Any, value: Any, fill: Callable[[Any, Any], None]) -> Any:
        before, self._depth = self._weight, self._depth + 1
        if self._depth > MAX_DEPTH:
            raise _refusal(f"it is nested more than {MAX_DEPTH} deep", node)
        self.constructed_objects[node] = value
        fill(node, value)
        self._weigh(1, node)
        self._weights[node] = self._weight - before
        self._depth -= 1
        return value

    def _fill_mapping(self, node: Any, mapping: dict[Any, Any]) -> None:
        if any(key.tag == _TAG + "merge" for key, _ in node.value):
            self.flatten_mapping(node)
        for key_node, value_node in node.value:
            key = self.construct_object(key_node)
            if isinstance(key, (dict, list)):
                raise _refusal("found a mapping or a list as a key", key_node)
            mapping[key] = self.construct_object(value_node)
        if len(mapping) != len(node.value) and node not in self._merged:
            _refuse_twins(node)

    def _fill_list(self, node: Any, items: list[Any]) -> None:
        items.extend(map(self.construct_object, node.value))

    def _again(self, node: Any) -> Any:
        """Return what an alias stands for."""
        if not isinstance(node, yaml.ScalarNode) and node not in self._weights:
            raise _refusal("found an alias within what it stands for", node)
        self._weigh(self._weights.get(node, 1), node)
        return self.constructed_objects[node]

    def _weigh(self, more: int, node: Any) -> None:
        self._weight += more
        if self._weight > self._most:
            raise _refusal("its aliases stand for too much", node)


def _refuse_twins(node: yaml.MappingNode) -> None:
    """Refuse a key that is given twice, as DVC does: others would take the one or the other."""
    seen = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode) and key.tag != _TAG + "merge":
            if (key.tag, key.value) in seen:
                raise _refusal(f"found the key {brief(key.value)!r} twice", key)
            seen.add((key.tag, key.value))


def _refusal(problem: str, node: yaml.Node) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _construct_int(loader: Any, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node)).replace("_", "")
    if len(text) > MAX_DIGITS:
        raise _refusal(f"found a whole number of more than {MAX_DIGITS} characters", node)
    return int(text, 0) if re.match(r"[-+]?0[xob]", text) else int(text)


def _construct_float(loader: Any, node: yaml.ScalarNode) -> float:
    text = str(loader.construct_scalar(node)).replace("_", "").lower()
    return float(re.sub(r"\.(inf|nan)", r"\1", text))


def _construct_bool(loader: Any, node: yaml.ScalarNode) -> bool:
    return str(loader.construct_scalar(node)).lower() == "true"


def _construct_null(loader: Any, node: yaml.ScalarNode) -> None:
    loader.construct_scalar(node)


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
_Loader.yaml_constructors.update(
    {
        _TAG + "bool": _construct_bool,
        _TAG + "null": _construct_null,
        _TAG + "int": _construct_int,
        _TAG + "float": _construct_float,
        _TAG + "str": yaml.CSafeLoader.construct_scalar,
        None: yaml.CSafeLoader.construct_undefined,
    }
)


def read_yaml(data: bytes, name: str) -> dict[str, Any]:
    """Return the mapping in the bytes of a YAML file, called ``name`` in messages.

    Raises FormatError, with the line, for what is not YAML or not a mapping, and for what is
    beyond the limits of this module.
    """
    try:
        value = _loaded(data)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problem = " ".join(str(error).split())
        fault = f"is not YAML: {brief(problem)}"
        refusal = conflict_error(data, where=name)
        raise refusal or FormatError(fault, where=name, remedy=f"Correct {name}.") from None
    if not isinstance(value if value is not None else {}, dict):
        raise FormatError(
            "is not a mapping of keys", where=name, remedy=f"Correct {name}, or restore it."
        )
    return value or {}


def compose_yaml(data: bytes, name: str) -> Any:
    """Return the nodes of a YAML file with the places where they stand; None of an empty one.

    Places count characters. Raises FormatError as ``read_yaml``.
    """
    read_yaml(data, name)
    return _Loader(data).get_single_node()


def _loaded(data: bytes) -> Any:
    if len(data) > MAX_BYTES:
        raise ValueError(f"it has {len(data)} bytes, and {MAX_BYTES} at most are read")
    data.decode()  # libyaml would take UTF-16, too, where the indicators look otherwise
    try:
        return _plain(data)
    except _NotPlain:
        pass  # read by nodes, which say where something is
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH or _INDENTED.search(data):
        _check_depth(data)
    return yaml.load(data, Loader=_Loader)


class _NotPlain(Exception):  # noqa: N818 - it never leaves this module
    """There is more to a file than values: a tag, an anchor, a merge, a fault."""


def _plain(data: bytes) -> Any:
    """Return what is in a file of mappings, lists and scalars alone, as most are.

    From events, which takes half as long as from nodes. Faults of syntax are raised as they are,
    of all else ``_NotPlain``.
    """
    loader = _Loader(data)
    loader.get_event()  # the stream begins
    if isinstance(loader.get_event(), yaml.StreamEndEvent):
        return None
    value = _plain_value(loader, loader.get_event(), 0)
    loader.get_event()  # the document ends
    if not isinstance(loader.get_event(), yaml.StreamEndEvent):
        raise _NotPlain
    return value


def _plain_value(loader: Any, event: Any, depth: int) -> Any:
    if event.anchor is not None or event.tag is not None:
        raise _NotPlain
    if type(event) is yaml.ScalarEvent:
        return _plain_scalar(loader, event)
    if depth == MAX_DEPTH:
        raise _NotPlain
    if type(event) is yaml.SequenceStartEvent:
        items = []
        while type(event := loader.get_event()) is not yaml.SequenceEndEvent:
            items.append(_plain_value(loader, event, depth + 1))
        return items
    mapping: dict[Any, Any] = {}
    while type(event := loader.get_event()) is not yaml.MappingEndEvent:
        key = _plain_value(loader, event, depth + 1)
        if isinstance(key, (dict, list)) or key in mapping:
            raise _NotPlain
        mapping[key] = _plain_value(loader, loader.get_event(), depth + 1)
    return mapping


def _plain_scalar(loader: Any, event: Any) -> Any:
    text = event.value
    if event.implicit[0]:  # it has no quotes
        for tag, pattern in loader.yaml_implicit_resolvers.get(text[:1], ()):
            if pattern.match(text):
                if tag not in loader.yaml_constructors:
                    raise _NotPlain
                node = yaml.ScalarNode(tag, text, event.start_mark, event.end_mark)
                return loader.yaml_constructors[tag](loader, node)
    return text


def _check_depth(data: bytes) -> None:
    """Refuse deep nesting event by event: PyYAML's composer recurses in C, until it crashes."""
    parser, depth = _Loader(data), 0
    while (event := parser.get_event()) is not None:
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
