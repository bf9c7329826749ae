"""The profiles of two versions of a dataset, which lie beside their manifests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.disclosure import Disclosure
from pe_dvc.documents.profile import Profile
from pe_dvc.documents.profile_movers import figures_of
from pe_dvc.documents.sidecar_files import PROFILE
from pe_dvc.primitives.errors import NotFoundError, StoreError

if TYPE_CHECKING:
    from pe_dvc.documents.movers import Figure
    from pe_dvc.project.reader import Reader
    from pe_dvc.usecases.read.resolve import Resolved


def published_profile(reader: Reader, resolved: Resolved) -> Profile | None:
    """Return a published profile, None where there is none to be had."""
    try:
        data = reader.sidecar(resolved, PROFILE)
    except (NotFoundError, StoreError):
        return None
    return None if data is None else Profile.from_bytes(data, where="a profile")


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
