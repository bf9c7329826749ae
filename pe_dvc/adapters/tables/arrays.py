"""Arrays of numpy and h5py: how a manifest speaks of their types and shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.documents.manifest import Member
from pe_dvc.primitives.printable import brief

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

_ARROW = {"float64": "double", "float32": "float", "float16": "halffloat"}
_NUMBERS = "biuf"
_TEXT = "SOU"


def arrow_name(dtype: str) -> str:
    """Return arrow's name for the type that numpy calls ``dtype``: manifests speak one language."""
    if dtype.startswith(("bytes", "str", "object", "|S", "<U")):
        return "string"
    return _ARROW.get(dtype, dtype.replace("datetime64[", "timestamp["))


def arrow_type(array: Any) -> str:
    """Return arrow's name for the type of an array of numbers or text."""
    return "string" if array.dtype.kind in _TEXT else arrow_name(array.dtype.name)


def is_column(array: Any) -> bool:
    """Tell whether an array has one number or text for each of a number of units."""
    return (
        array.shape is not None
        and len(array.shape) == 1
        and (array.dtype.kind in _NUMBERS or is_text(array.dtype))
    )


def is_text(dtype: DTypeLike) -> bool:
    """Tell whether values of a type are text: of h5py's objects, only strings are."""
    kind: Any = dtype
    if kind.kind in "SU":
        return True
    return kind.kind == "O" and (kind.metadata or {}).get("vlen") in (str, bytes)


def array_member(path: str, array: Any, reason: str | None = None) -> Member:
    """Return what a manifest says of an array that is no column."""
    if array.shape is None:
        return Member(name=path, reason="an array without a shape and values")
    plain = array.dtype.kind in _NUMBERS or is_text(array.dtype)
    kind = arrow_type(array) if plain else brief(str(array.dtype))
    if reason is None and not plain:
        reason = "its values are neither numbers nor text"
    return Member(name=path, type=kind, shape=tuple(map(int, array.shape)), reason=reason)
