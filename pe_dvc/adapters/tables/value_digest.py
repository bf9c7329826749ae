"""The digest of a column's values, whatever file they lie in. ADR 0017."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Kind = Literal["bool", "int", "uint", "float", "text", "time", "date", "bytes", "decimal", "json"]
"""What values are. ``int`` is any width but of 64 bits without sign; ``time`` is in nanoseconds,
``date`` in days. Lists and structures are ``json``."""

_AS_TEXT: tuple[tuple[str, Kind], ...] = (
    ("decimal", "decimal"),
    *((name, "bytes") for name in ("binary", "large_binary", "fixed_size_binary")),
    *((name, "json") for name in ("list<", "large_list<", "fixed_size_list<", "struct<")),
)

_STORED = {"bool": "u1", "uint": "<u8", "float": "<f8", **dict.fromkeys(("int", "date"), "<i8")}
_NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


class UnsupportedTypeError(Exception):
    """Values of a type that has no canonical form; the text says which type."""


@dataclass(frozen=True, kw_only=True)
class Values:
    """Some consecutive values of a column, of which ``present`` tells what is not missing.

    Texts are the ``data`` of all of them in UTF-8, and the length of each in ``numbers``; so are
    bytes, and what is written as text.
    """

    kind: Kind
    numbers: NDArray[Any]
    present: NDArray[np.bool_]
    data: bytes | memoryview = b""


def kind_of(arrow_type: str) -> Kind:
    """Return what values of a type of Arrow's are. Raises UnsupportedTypeError."""
    if arrow_type.startswith(("int", "uint")) and arrow_type != "uint64":
        return "int"
    if arrow_type in ("float", "double", "halffloat"):
        return "float"
    if arrow_type in ("string", "large_string", "string_view"):
        return "text"
    if arrow_type.startswith("timestamp["):
        return "time"
    if arrow_type in ("bool", "uint64"):
        return "bool" if arrow_type == "bool" else "uint"
    if arrow_type.startswith("date32"):
        return "date"
    for start, kind in _AS_TEXT:
        if arrow_type.startswith(start):
            return kind
    raise UnsupportedTypeError(arrow_type)


def plain_values(
    values: NDArray[Any], arrow_type: str, *, present: NDArray[np.bool_] | None = None
) -> Values:
    """Return numbers of a type of Arrow's in their canonical form. Raises UnsupportedTypeError."""
    kind = kind_of(arrow_type)
    if kind == "time":
        unit = arrow_type.removeprefix("timestamp[").rstrip("]").partition(",")[0]
        ticks = values.view("i8") if values.dtype.kind == "M" else values.astype("i8")
        there = ticks != np.iinfo(np.int64).min
        present = there if present is None else present & there
        found = np.where(present, ticks, 0) * _NANOSECONDS[unit]
    else:
        found = values.astype(_STORED[kind])
    if kind == "float":
        there = ~np.isnan(found)
        present = there if present is None else present & there
        found = found + 0.0  # -0.0 becomes 0.0
    if present is None:
        present = np.ones(len(found), np.bool_)
    return Values(kind=kind, numbers=found, present=present)


def text_values(
    texts: Sequence[bytes], present: NDArray[np.bool_], *, kind: Kind = "text"
) -> Values:
    """Return texts, as UTF-8, in their canonical form; those that are missing are empty."""
    lengths = np.fromiter((len(text) for text in texts), np.int64, len(texts))
    return Values(kind=kind, numbers=lengths, present=present, data=b"".join(texts))


class ColumnDigest:
    """The digest of a column whose values are added in their order, in parts of any size."""

    def __init__(self) -> None:
        self._kind: Kind | None = None
        self._present, self._numbers = hashlib.sha256(), hashlib.sha256()
        self._data = hashlib.sha256()

    def add(self, values: Values) -> None:
        """Add the next values. Raises UnsupportedTypeError where they are of another kind."""
        if self._kind not in (None, values.kind):
            raise UnsupportedTypeError(f"{self._kind} and {values.kind}")
        self._kind, numbers = values.kind, values.numbers
        if not values.present.all():
            numbers = np.where(values.present, numbers, numbers.dtype.type(0))
        self._present.update(np.ascontiguousarray(values.present).data)
        self._numbers.update(np.ascontiguousarray(numbers).data)
        self._data.update(values.data)

    def hexdigest(self) -> str:
        """Return the digest of all that was added, in hex."""
        parts = (self._present, self._numbers, self._data)
        whole = (self._kind or "none").encode() + b"\0" + b"".join(p.digest() for p in parts)
        return hashlib.sha256(whole).hexdigest()
