"""The one reader of JSON: manifests, listings, signed metadata, bundles, and notes of our own.

Anyone may have written the bytes. So what is refused is also what other readers would take in
another way, or what would make the code that uses the values fail: keys given twice, numbers that
no machine holds, halves of characters, and nesting without end.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.printable import brief

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_BYTES = 256 * 1024 * 1024
"""Most bytes of any JSON document: a listing of a directory may hold a million files."""
MAX_DEPTH = 64
"""How deep objects and lists may stand in each other; a manifest needs six."""
MAX_DIGITS = 20
"""Digits of a whole number: as many as 64 bits need."""

_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def read_json(
    data: bytes,
    *,
    what: str,
    where: str | None = None,
    remedy: str | None = None,
    fractions: bool = True,
) -> Any:
    """Return the value of a JSON document of UTF-8; ``what`` it should be, as ``a manifest``.

    Without ``fractions`` all numbers must be whole, as in what is signed.

    Raises FormatError with ``where`` and ``remedy`` for what is not JSON, and for what is beyond
    the limits of this module.
    """
    try:
        return _loads(data, _number if fractions else _refuse_fraction)
    except (ValueError, RecursionError) as error:
        from pe_dvc.primitives.merge_conflict import conflict_error

        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        fault = f"not the JSON of {what}: {brief(str(reason))}"
        refusal = conflict_error(data, where=where)
        raise refusal or FormatError(fault, where=where, remedy=remedy) from None


def _loads(data: bytes, number: Callable[[str], float]) -> Any:
    if len(data) > MAX_BYTES:
        raise ValueError(f"it has {len(data)} bytes, and {MAX_BYTES} at most are read")
    _check_depth(data)
    value = json.loads(
        data.decode(),
        object_pairs_hook=_object,
        parse_int=_whole,
        parse_float=number,
        parse_constant=_refuse_constant,
    )
    if _SURROGATE.search(data):
        _check_characters(value)
    return value


def _check_depth(data: bytes) -> None:
    """Take away the innermost brackets again and again: quickly, and before any reader recurses."""
    if data.count(b"{") + data.count(b"[") <= MAX_DEPTH:
        return  # as in most manifests
    plain = data.replace(rb"\\", b"").replace(rb"\"", b"") if b"\\" in data else data
    brackets = b"".join(plain.split(b'"')[::2]).translate(_ONE_KIND, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        left = brackets.replace(b"[]", b"")
        if len(left) == len(brackets):
            break
        brackets = left
    # What is left is deeper still, or does not close: then the reader says where.
    if len(brackets) > MAX_DEPTH:
        raise ValueError(f"it is nested more than {MAX_DEPTH} deep")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {brief(twice)!r} is given twice")
    return found


def _whole(text: str) -> int:
    if len(text.lstrip("-")) > MAX_DIGITS:
        raise ValueError(f"a whole number has more than {MAX_DIGITS} digits")
    return int(text)


def _number(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"the number {brief(text)} is too large")
    return value


def _refuse_fraction(text: str) -> float:
    raise ValueError(f"the number {brief(text)} is not whole, as all of signed documents are")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _check_characters(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half of a character (a surrogate)") from None
