"""Which format a producer's statement of provenance is of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.build_manifest import read_build_manifest
from pe_dvc.documents.release_statement import is_release_manifest, read_release_statement
from pe_dvc.documents.slsa import read_slsa, statements_in
from pe_dvc.primitives.json_reader import read_json

if TYPE_CHECKING:
    from pe_dvc.documents.statement import Statement

MAX_BYTES = 16 * 1024 * 1024
"""Most bytes of a statement."""


def read_statement(data: bytes, *, where: str) -> Statement:
    """Return what the bytes of a provenance file state. Raises FormatError, naming the formats."""
    found = statements_in(data, where=where)
    if found is not None:
        return read_slsa(found, where=where)
    document = read_json(data, what="a statement of provenance", where=where)
    if is_release_manifest(document):
        return read_release_statement(document)
    return read_build_manifest(data, where=where)
