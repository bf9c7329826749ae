"""All the sidecars that a manifest promises, each by its key and its sha256.

Every artifact has the list of its chunks, or of its files (``documents.artifact``). That of a file
of one chunk is implied: ADR 0029. The section ``sidecars`` names further ones
(``documents.sidecars``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.documents.keys import content_key
from pe_dvc.primitives.digest import Sha256

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pe_dvc.documents.manifest import ManifestHead


class SidecarRef(NamedTuple):
    """A sidecar of a manifest, its parts' list or another: which it is, and where it is found."""

    kind: str
    key: str
    """Its key in the bucket."""
    sha256: Sha256
    is_parts: bool = False
    """Whether it lists chunks or files: it is made of the artifact's bytes alone."""
    is_implied: bool = False
    """Whether its bytes follow from the manifest, so that it is not needed; it may be there."""


def sidecars_of(manifest: ManifestHead) -> tuple[SidecarRef, ...]:
    """Return every sidecar that a manifest promises, the list of the artifact's parts first."""
    artifact = manifest.artifact
    kind = "members" if artifact.is_directory else "chunks"
    parts = SidecarRef(
        kind=kind,
        key=artifact.parts_key,
        sha256=artifact.parts_sha256,
        is_parts=True,
        is_implied=artifact.implied_parts is not None,
    )
    return (parts, *content_sidecars(manifest).values())


def content_sidecars(manifest: ManifestHead) -> Mapping[str, SidecarRef]:
    """Return the sidecars of the section ``sidecars``, by their kind."""
    artifact = manifest.artifact
    of = Sha256(artifact.sha256)
    found = {}
    for kind, sidecar in manifest.sidecars.items():
        sha256 = Sha256(sidecar.sha256)
        key = content_key(artifact.country, of, kind, sha256)
        found[kind] = SidecarRef(kind=kind, key=key, sha256=sha256)
    return found
