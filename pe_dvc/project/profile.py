"""Profiles of datasets: made by ``pe-dvc manifest write``, and read beside their manifests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.adapters.tables.faults import shielded
from pe_dvc.documents.profile import Profile
from pe_dvc.documents.sidecar_files import PROFILE, sidecar_file
from pe_dvc.documents.sidecar_refs import content_sidecars
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.project.content_sidecars import find_sidecar
from pe_dvc.project.repo_files import manifest_path
from pe_dvc.usecases.checkout.profile_plan import plan_profile

if TYPE_CHECKING:
    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.project.sidecar_subject import Subject


def make_profile(manifest: Manifest, subject: Subject) -> bytes | None:
    """Return the profile of a dataset; None where it has no tables, or wants none."""
    plans = plan_profile(manifest.table)
    if not plans or not subject.declaration.meta.profile:
        return None
    from pe_dvc.adapters.tables.profile import profile_of

    file, kind = subject.file, manifest.table.format
    try:
        found = shielded(lambda: profile_of(file, kind, plans), label=file.label, rule=file.rule)
    except FormatError:  # what cannot be read has no profile, as it has no content digest
        return None
    return found.to_bytes()


def committed_profile(repo: DataRepo, manifest: Manifest) -> Profile | None:
    """Return a profile of this clone, None where it has none."""
    named = content_sidecars(manifest).get(PROFILE)
    if named is None:
        return None
    path = sidecar_file(manifest_path(repo.settings, manifest.artifact.name), PROFILE)
    try:
        data = find_sidecar(repo.root, path, named)
    except NotFoundError:
        return None
    return Profile.from_bytes(data, where=path)
