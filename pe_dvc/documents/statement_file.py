"""Which format a producer's statement of provenance is of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.build_manifest import read_build_manifest
from pe_dvc.documents.slsa import read_slsa, statements_in

if TYPE_CHECKING:
    from pe_dvc.documents.statement import Statement

MAX_BYTES = 16 * 1024 * 1024
"""Most bytes of a statement."""


def read_statement(data: bytes, *, where: str) -> Statement:
    """Return what the bytes of a provenance file state. Raises FormatError, naming the formats."""
    found = statements_in(data, where=where)
    if found is not None:
        return read_slsa(found, where=where)
    return read_build_manifest(data, where=where)
