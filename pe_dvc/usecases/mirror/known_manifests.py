"""Documents that a mirror has already, so that its origin is not asked for each at every sync."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import MANIFEST_LIMIT
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import FormatError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Container

    from pe_dvc.store.port import ReadableStore


class KnownManifests:
    """Those of ``mirror``, which has the objects ``there``. It is not trusted."""

    def __init__(self, mirror: ReadableStore, there: Container[str]) -> None:
        self.mirror, self._there = mirror, there

    def read(self, key: str, sha256: Sha256) -> bytes | None:
        """Return a manifest, None where the mirror has not the one of ``sha256``."""
        if key not in self._there:
            return None
        try:
            data, _ = self.mirror.read(key, limit=MANIFEST_LIMIT)
        except (NotFoundError, FormatError):
            return None
        return data if sha256_bytes(data) == sha256 else None
