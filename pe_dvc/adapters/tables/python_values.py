"""Values of Python's in the canonical form of content digests. ADR 0017."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from pe_dvc.adapters.tables.value_digest import (
    UnsupportedTypeError,
    Values,
    kind_of,
    plain_values,
    text_values,
)
from pe_dvc.primitives.canonical import canonical_json
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pe_dvc.adapters.tables.value_digest import Kind

_TYPES: dict[Kind, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
    "text": (str,),
    "bytes": (bytes,),
    "decimal": (Decimal,),
    "json": (list, dict, tuple),
}


def values_of(values: Sequence[Any], arrow_type: str) -> Values:
    """Return values of a type of Arrow's, None for a missing one, in their canonical form.

    Raises UnsupportedTypeError where one is of another type, or has no such form.
    """
    kind = kind_of(arrow_type)
    wanted = _TYPES.get(kind, ())
    for found in {type(value) for value in values} - {type(None)}:
        if found not in wanted:
            raise UnsupportedTypeError(f"{found.__name__} in a column of {arrow_type}")
    present = np.fromiter((value is not None for value in values), np.bool_, len(values))
    if kind in _AS_TEXT:
        write = _AS_TEXT[kind]
        texts = [b"" if value is None else write(value) for value in values]
        return text_values(texts, present, kind=kind)
    plain = [0 if value is None else value for value in values]
    try:
        numbers = np.array(plain, dtype={"bool": "u1", "int": "i8", "float": "f8"}[kind])
    except OverflowError:
        raise UnsupportedTypeError(f"a number too large for {arrow_type}") from None
    return plain_values(numbers, arrow_type, present=present)


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise UnsupportedTypeError("text that is not UTF-8") from None


def _decimal(value: Decimal) -> bytes:
    """Return all its digits, without the zeros at the end of a fraction: scales do not count."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return b"0" if text == "-0" else text.encode()


def _json(value: Any) -> bytes:
    """Return RFC 8785 JSON of lists and structures; NaN in them is null, as a missing value is."""
    try:
        return canonical_json(_plain(value))
    except (FormatError, TypeError, ValueError, OverflowError, RecursionError):
        raise UnsupportedTypeError(f"a value of {type(value).__name__}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return None if math.isnan(value) else value + 0.0
    return value


_AS_TEXT: dict[Kind, Callable[[Any], bytes]] = {
    "text": _encoded,
    "bytes": bytes,
    "decimal": _decimal,
    "json": _json,
}
