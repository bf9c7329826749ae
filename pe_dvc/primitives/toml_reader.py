"""The one reader of TOML: pyproject.toml and lock files, which anyone may have written.

``tomllib`` recurses into nested values, and takes time by the square of a dotted key's parts. Both
are bounded before it is asked.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.merge_conflict import conflict_error
from pe_dvc.primitives.printable import brief

MAX_DEPTH = 32
"""Parts of a dotted key, and how deep tables and lists may stand in each other."""

_PART = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?<![A-Za-z0-9_\\-]){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{MAX_DEPTH}}}")


def read_toml(data: bytes, *, where: str, limit: int, remedy: str) -> dict[str, Any]:
    """Return the tables in the bytes of a TOML file.

    Raises FormatError with ``where`` and ``remedy`` for what is not TOML, is longer than
    ``limit`` bytes, or is nested more than ``MAX_DEPTH`` deep.
    """
    try:
        return _loads(data, limit)
    except (ValueError, RecursionError) as error:
        reason = _too_deep() if isinstance(error, RecursionError) else error
        fault = f"is not TOML: {brief(str(reason))}"
        refusal = conflict_error(data, where=where)
        raise refusal or FormatError(fault, where=where, remedy=remedy) from None


def _loads(data: bytes, limit: int) -> dict[str, Any]:
    if len(data) > limit:
        raise ValueError(f"it has {len(data)} bytes, and {limit} at most are read")
    text = data.decode()
    if _LONG_KEY.search(text):
        raise _too_deep()
    document = tomllib.loads(text)
    _check_depth(document)
    return document


def _check_depth(document: dict[str, Any]) -> None:
    level: list[Any] = [document]
    for _ in range(MAX_DEPTH):
        level = [inner for value in level for inner in _values(value)]
        if not level:
            return
    raise _too_deep()


def _values(value: Any) -> list[Any]:
    values = value.values() if isinstance(value, dict) else value
    return [inner for inner in values if isinstance(inner, (dict, list))]


def _too_deep() -> ValueError:
    return ValueError(f"it is nested more than {MAX_DEPTH} deep")
