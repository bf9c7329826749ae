"""New artifacts that derive from a raw input which stewards withdrew are not described."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.store.plain_files import read_document
from pe_dvc.trust.files import ChannelFiles

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.project.settings import Settings


def refuse_withdrawn_inputs(root: Path, settings: Settings, manifest: Manifest) -> None:
    """Raise RevokedError for a new artifact that is withdrawn, or that has a withdrawn raw input.

    By what git holds signed; the file is only verified if it has entries.
    """
    files = ChannelFiles(root / settings.channels, settings.country)
    path = files.path("revoked")
    entry = f'"{settings.country}/revoked/'.encode()
    if not path.exists() or entry not in read_document(path):
        return
    from pe_dvc.usecases.revoke.withdrawn import refuse_withdrawn, withdrawn_here

    refuse_withdrawn(
        withdrawn_here(files),
        [manifest],
        remedy="No manifest was written. Build it from other data, or take its declaration out of "
        "dvc.yaml.",
    )
