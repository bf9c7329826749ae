"""JSON as bytes: canonical (RFC 8785) for digests, and indented for files that people review."""

from __future__ import annotations

import json
from typing import Any

from pe_dvc.primitives.digest import Sha256, sha256_bytes


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

    The same value gives the same bytes, and a diff of two shows what changed.
    """
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"
