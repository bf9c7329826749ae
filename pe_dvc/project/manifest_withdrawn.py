"""What stewards withdrew of what is described: new artifacts are refused, others named."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pe_dvc.documents.payload import Payload
from pe_dvc.primitives.errors import FormatError
from pe_dvc.project.git_manifests import committed_manifests
from pe_dvc.project.repo_files import manifest_path
from pe_dvc.store.plain_files import read_document
from pe_dvc.trust.files import ChannelFiles

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.project.settings import Settings


def notes_on_withdrawn(
    root: Path, settings: Settings, manifests: Mapping[str, Manifest]
) -> dict[str, str]:
    """Return a note on each artifact that is withdrawn, or has a withdrawn raw input, by name.

    By what git holds signed; the file is only verified if it has entries. Raises RevokedError
    for an artifact that no commit has a manifest of: it would be refused at the push.
    """
    files = ChannelFiles(root / settings.channels, settings.country)
    path = files.path("revoked")
    entry = f'"{settings.country}/revoked/'.encode()
    if not path.exists() or entry not in read_document(path):
        return {}
    from pe_dvc.usecases.revoke.withdrawn import refuse_withdrawn, withdrawn_here

    withdrawn, notes = withdrawn_here(files), {}
    for name, manifest in manifests.items():
        found = withdrawn.of(manifest)
        if found is None:
            continue
        if not _was_described(root, manifest_path(settings, name), manifest):
            refuse_withdrawn(withdrawn, [manifest], remedy=_REMEDY)
        derives = f"derives from {found.what}, which was" if found.is_input else "was"
        notes[name] = (
            f"{name}: {derives} {found.text.rstrip('.')}; readers are refused it. Build it from "
            "other data, or take its declaration out of dvc.yaml"
        )
    return notes


_REMEDY = (
    "No manifest was written. Build it from other data, or take its declaration out of dvc.yaml."
)


def _was_described(root: Path, path: str, manifest: Manifest) -> bool:
    """Tell whether a commit behind HEAD has a manifest of the same artifact."""
    for data, where in committed_manifests(root, path):
        with suppress(FormatError):
            if Payload.of_manifest(data, where=where).sha256 == manifest.artifact.sha256:
                return True
    return False
