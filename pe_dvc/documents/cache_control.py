"""For how long caches in front of a bucket may keep an object: HTTP's ``Cache-Control``. ADR 0002.

Nothing says ``public``: so a shared cache may keep what anyone may read, and nothing that was asked
for with credentials (RFC 9111, section 3.5).
"""

from __future__ import annotations

from pe_dvc.documents.disclosure import default_access
from pe_dvc.documents.keys import country_of, is_lock, is_release_file, metadata_version, parse_key

FOR_A_YEAR = "max-age=31536000, immutable"
"""What is never rewritten and never withdrawn."""
FOR_A_DAY = "max-age=86400, immutable"
"""What is never rewritten and may be withdrawn: what no one purges is gone after that."""
ASK = "no-cache"
"""What changes: a cache asks, by the ETag, whether what it has is still so."""
NEVER = "no-store"
"""What is true for a moment only."""


def cache_control(key: str) -> str:
    """Return the header of the object at ``key``.

    Of a gated country no cache but the reader's own keeps metadata, and none at all the rest.
    """
    if is_lock(key):
        return NEVER
    country = country_of(key)
    gated = country is not None and default_access(country) == "gated"
    lifetime, is_data = _lifetime(key)
    if gated:
        return f"private, {NEVER if is_data else lifetime}"
    return lifetime


def _lifetime(key: str) -> tuple[str, bool]:
    """Return how long an object stays as it is, and whether it says something of data."""
    if metadata_version(key) is not None:
        return FOR_A_YEAR, False
    if is_release_file(key):
        return FOR_A_YEAR, True
    found = parse_key(key)
    if found is None or found.kind == "tombstone":
        return ASK, False
    return FOR_A_DAY, True
