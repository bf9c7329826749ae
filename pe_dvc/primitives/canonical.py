"""JSON as bytes: canonical for digests and signatures, indented for files that people review."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.digest import Sha256, sha256_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

_UNUSUAL_NUMBER = re.compile(r"[0-9][.e]|[0-9]{16}")
"""Outside of strings: one with a fraction, or one that a double may not hold."""
_COMPACT = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
)


def canonical_json(value: Any) -> bytes:
    """Return ``value`` as RFC 8785 canonical JSON.

    Raises ``rfc8785.CanonicalizationError`` for what JSON cannot hold exactly
    (NaN, integers beyond 2**53).
    """
    plain = _plain_canonical(value)
    if plain is not None:
        return plain
    import rfc8785

    return rfc8785.dumps(value)


def _plain_canonical(value: Any) -> bytes | None:
    """Return the same of values that Python's C encoder writes as RFC 8785 does, else None.

    That is text in ASCII without escapes, and small whole numbers: what our documents are made of.
    The library takes ten times as long.
    """
    try:
        text = _COMPACT.encode(value)
    except (TypeError, ValueError):
        return None
    if not text.isascii() or "\\" in text:
        return None
    return None if _UNUSUAL_NUMBER.search("".join(text.split('"')[::2])) else text.encode()


def canonical_digest(value: Any) -> Sha256:
    """Return the sha256 of the canonical JSON of ``value``."""
    return sha256_bytes(canonical_json(value))


def unescaped_json(value: Any) -> bytes | None:
    """Return OLPC's canonical JSON of ``value``, which TUF signs; None where a string has escapes.

    It escapes quotes and backslashes, and nothing else. Without either it is JSON with its keys in
    order and without spaces, which Python's C encoder writes. ``value`` has no fractions.
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return None if "\\" in text else text.encode()


def readable_json(value: Any) -> bytes:
    """Return ``value`` as indented JSON with sorted keys and a final newline, in UTF-8.

    The same value gives the same bytes, and a diff of two shows what changed. An object in a
    list that holds no other object or list is one line: a column of a table, an input file.
    """
    pieces: list[str] = []
    _write(value, "\n", pieces.append)
    pieces.append("\n")
    return "".join(pieces).encode()


def _write(value: Any, line: str, add: Callable[[str], None]) -> None:
    """Give the text of ``value`` in pieces; ``line`` begins a line at its depth."""
    if isinstance(value, dict) and value:
        inner, before = line + "  ", "{"
        for key in sorted(value):
            held = value[key]
            begin = f"{before}{inner}{_COMPACT.encode(key)}: "
            before = ","
            if isinstance(held, str):  # as most are, in metadata of ten thousand pointers
                add(begin + _COMPACT.encode(held))
            else:
                add(begin)
                _write(held, inner, add)
        add(line + "}")
    elif isinstance(value, (list, tuple)) and value:
        inner, before = line + "  ", "["
        for item in value:
            add(before + inner)
            before = ","
            if _is_flat(item):
                add(_COMPACT.encode(item))
            else:
                _write(item, inner, add)
        add(line + "]")
    else:
        add(_COMPACT.encode(value))


def _is_flat(item: Any) -> bool:
    return isinstance(item, dict) and not any(
        isinstance(value, (dict, list, tuple)) for value in item.values()
    )
