"""The figures of two versions of a dataset, from the profiles beside their manifests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.profile import Profile
from pe_dvc.documents.profile_movers import figures_of
from pe_dvc.documents.sidecar_files import sidecar_file
from pe_dvc.documents.sidecar_refs import content_sidecars
from pe_dvc.documents.sidecars import PROFILE
from pe_dvc.primitives.errors import NotFoundError, StoreError
from pe_dvc.project.content_sidecars import find_sidecar
from pe_dvc.project.repo_files import manifest_path

if TYPE_CHECKING:
    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.documents.movers import Figure
    from pe_dvc.project.reader import Reader
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.usecases.read.resolve import Resolved


def published_figures(reader: Reader, resolved: Resolved) -> dict[Figure, float]:
    """Return the figures of a published profile, none where there is none to be had."""
    try:
        data = reader.sidecar(resolved, PROFILE)
    except (NotFoundError, StoreError):
        return {}
    return _figures(data)


def committed_figures(repo: DataRepo, manifest: Manifest) -> dict[Figure, float]:
    """Return the figures of a profile of this clone, none where it has none."""
    named = content_sidecars(manifest).get(PROFILE)
    if named is None:
        return {}
    path = manifest_path(repo.settings, manifest.artifact.name)
    try:
        data = find_sidecar(repo.root, sidecar_file(path, PROFILE), named)
    except NotFoundError:
        return {}
    return _figures(data)


def _figures(data: bytes | None) -> dict[Figure, float]:
    return {} if data is None else figures_of(Profile.from_bytes(data, where="a profile"))
