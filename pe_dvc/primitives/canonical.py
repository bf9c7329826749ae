"""JSON as bytes: canonical (RFC 8785) for digests, and indented for files that people review."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.digest import Sha256, sha256_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator


def canonical_json(value: Any) -> bytes:
    """Return ``value`` as RFC 8785 canonical JSON.

    Raises ``rfc8785.CanonicalizationError`` for what JSON cannot hold exactly
    (NaN, integers beyond 2**53).
    """
    import rfc8785

    return rfc8785.dumps(value)


def canonical_digest(value: Any) -> Sha256:
    """Return the sha256 of the canonical JSON of ``value``."""
    return sha256_bytes(canonical_json(value))


def readable_json(value: Any) -> bytes:
    """Return ``value`` as indented JSON with sorted keys and a final newline, in UTF-8.

    The same value gives the same bytes, and a diff of two shows what changed. An object in a
    list that holds no other object or list is one line: a column of a table, an input file.
    """
    return "".join(_pieces(value, "")).encode() + b"\n"


def _pieces(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        inner = indent + "  "
        for number, key in enumerate(sorted(value)):
            yield f"{',' if number else '{'}\n{inner}{_compact(key)}: "
            yield from _pieces(value[key], inner)
        yield f"\n{indent}}}"
    elif isinstance(value, (list, tuple)) and value:
        inner = indent + "  "
        for number, item in enumerate(value):
            yield f"{',' if number else '['}\n{inner}"
            yield from ([_compact(item)] if _is_flat(item) else _pieces(item, inner))
        yield f"\n{indent}]"
    else:
        yield _compact(value)


def _is_flat(item: Any) -> bool:
    return isinstance(item, dict) and not any(
        isinstance(value, (dict, list, tuple)) for value in item.values()
    )


def _compact(value: Any) -> str:
    return json.dumps(
        value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
