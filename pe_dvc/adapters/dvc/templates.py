"""Templates in dvc.yaml, ``${…}``, and the stages that ``foreach`` and ``matrix`` make.

A template is never resolved: what it can become is compared with what dvc.lock says it became.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from pe_dvc.primitives.wildcards import fits

if TYPE_CHECKING:
    from collections.abc import Container, Mapping


def has_template(text: str) -> bool:
    """Tell whether DVC would replace a ``${…}`` in ``text``."""
    return len(_literals(text)) > 1


def _literals(text: str) -> list[str]:
    """Return what stands before, between and after templates; each is closed in its own line."""
    found, start, at, line_end = [], 0, 0, -1
    while (opened := text.find("${", at)) >= 0:
        if text[opened - 1 : opened] == "\\":
            at = opened + 2
            continue
        if opened > line_end:
            line_end = text.find("\n", opened) % (len(text) + 1)
        closed = text.find("}", opened, line_end)
        if closed < 0:
            at = line_end
        else:
            found.append(text[start:opened])
            start = at = closed + 1
    return [*found, text[start:]]


class Template(NamedTuple):
    """The texts that one with ``${…}`` can become once DVC resolved it."""

    literals: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Self:
        """Read a text as DVC does."""
        return cls(tuple(part.replace("\\${", "${") for part in _literals(text)))

    def fits(self, text: str) -> bool:
        """Tell whether the template can become ``text``."""
        return fits(text, self.literals)


@dataclass(frozen=True)
class MatrixKeys:
    """The keys of a ``matrix``: a value of each axis, joined by ``-``.

    They are not listed: ten axes of ten values make ten thousand million stages.
    """

    axes: tuple[frozenset[str], ...]

    def __contains__(self, key: object) -> bool:
        text, ends = f"-{key}", {0}
        for axis in self.axes:
            lengths = {len(value) for value in axis}
            ends = {
                end + 1 + length
                for end in ends
                for length in lengths
                if text.startswith("-", end) and text[end + 1 : end + 1 + length] in axis
            }
        return len(text) in ends


def stage_keys(definition: Mapping[str, Any]) -> Container[str] | None:
    """Return the keys of a ``foreach`` or ``matrix`` stage, as they follow the ``@`` in dvc.lock.

    None where they hang on a template, and so are not known from dvc.yaml alone.
    """
    if "matrix" in definition:
        axes = list(definition["matrix"].values())
        if any(isinstance(axis, str) or _holds_template(axis) for axis in axes):
            return None
        return MatrixKeys(
            tuple(
                frozenset(_key(v, f"{k}{i}") for i, v in enumerate(axis))
                for k, axis in definition["matrix"].items()
            )
        )
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
