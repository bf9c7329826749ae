"""The content digests of datasets, and what they show: other bytes, and the same tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.adapters.tables.content import content_digests
from pe_dvc.adapters.tables.faults import shielded
from pe_dvc.documents.manifest import Manifest
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from pe_dvc.adapters.tables.data_file import DataFile


def with_content(
    manifest: Manifest, file: DataFile, existing: bytes | None, *, checked: bool
) -> Manifest:
    """Return a manifest with the content digests of its tables.

    ``existing`` is the manifest that lies there; where it is of the same bytes, as ``checked``
    tells, they are taken from it. What cannot be read has no digest.
    """
    before = _read(existing) if checked else None
    if before is not None:
        table = manifest.table.with_digests(before.table.digests)
        return manifest.model_copy(update={"table": table})
    try:
        found = shielded(
            lambda: content_digests(file, manifest.table), label=file.label, rule=file.rule
        )
    except FormatError:
        return manifest
    return manifest.model_copy(update={"table": manifest.table.with_digests(found)})


def notes_on_content(manifest: Manifest, existing: bytes | None) -> list[str]:
    """Return what is to be said of other bytes that hold the same values as before."""
    before = _read(existing)
    if before is None or before.artifact.sha256 == manifest.artifact.sha256:
        return []
    if not manifest.table.has_values_of(before.table):
        return []
    return [f"{manifest.artifact.path}: other bytes than before, the same values in every table"]


def _read(existing: bytes | None) -> Manifest | None:
    try:
        return Manifest.from_bytes(existing or b"")
    except FormatError:
        return None
