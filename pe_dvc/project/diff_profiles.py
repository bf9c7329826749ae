"""The profiles of two versions of a dataset, which lie beside their manifests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.disclosure import Disclosure
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


def published_profile(reader: Reader, resolved: Resolved) -> Profile | None:
    """Return a published profile, None where there is none to be had."""
    try:
        data = reader.sidecar(resolved, PROFILE)
    except (NotFoundError, StoreError):
        return None
    return _read(data)


def committed_profile(repo: DataRepo, manifest: Manifest) -> Profile | None:
    """Return a profile of this clone, None where it has none."""
    named = content_sidecars(manifest).get(PROFILE)
    if named is None:
        return None
    path = manifest_path(repo.settings, manifest.artifact.name)
    try:
        data = find_sidecar(repo.root, sidecar_file(path, PROFILE), named)
    except NotFoundError:
        return None
    return _read(data)


def rule_with(profile: Profile | None, rule: Disclosure) -> Disclosure:
    """Return the rule of a country, or that of the profile where it is stricter.

    Its data repo may say that microdata are gated, which the country's name alone does not tell.
    """
    if profile is None or profile.access == "public":
        return rule
    return rule.stricter(Disclosure(minimum_carriers=profile.minimum_carriers))


def figures_in(profile: Profile | None) -> dict[Figure, float]:
    """Return the figures of a profile, none without one."""
    return {} if profile is None else figures_of(profile)


def _read(data: bytes | None) -> Profile | None:
    return None if data is None else Profile.from_bytes(data, where="a profile")
