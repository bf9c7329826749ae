"""Datasets with sidecars, as ``pe-dvc manifest write`` leaves them beside their manifests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.manifest import Manifest
from pe_dvc.documents.sidecar_files import is_sidecar_file, sidecar_file
from pe_dvc.documents.sidecars import Sidecar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def manifest_files(folder: Path) -> list[Path]:
    """Return the manifests in a folder and below, without their sidecars."""
    return [path for path in sorted(folder.rglob("*.json")) if not is_sidecar_file(path.name)]


def with_sidecars(manifest: Manifest, sidecars: Mapping[str, bytes]) -> Manifest:
    """Return a manifest that names these sidecars, by their kinds."""
    named = {kind: Sidecar.of(data) for kind, data in sidecars.items()}
    return manifest.model_copy(update={"sidecars": named})


def add_sidecars(manifest_file: Path, sidecars: dict[str, bytes]) -> Manifest:
    """Write sidecars beside the manifest of a data repo, which then names them."""
    manifest = with_sidecars(Manifest.from_bytes(manifest_file.read_bytes()), sidecars)
    manifest_file.write_bytes(manifest.to_bytes())
    for kind, data in sidecars.items():
        (manifest_file.parent / sidecar_file(manifest_file.name, kind)).write_bytes(data)
    return manifest
