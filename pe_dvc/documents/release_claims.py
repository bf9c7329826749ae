"""Compatibility claims that were added to a release after it was tagged: signed, same artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pe_dvc.documents.release import Claim, ReleaseManifest

CORE = "policyengine-core"


class AddedClaim(NamedTuple):
    """Versions (PEP 440) of a package that release managers vouch for, as a release stands."""

    name: str
    specifier: str

    def __str__(self) -> str:
        return f"{self.name}{self.specifier}"


def parse_claim(text: str) -> AddedClaim:
    """Read ``policyengine-uk>=2.89,<2.91``. Raises FormatError for another form."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    try:
        found = Requirement(text)
    except InvalidRequirement:
        found = None
    if found is None or found.url or found.extras or found.marker or not found.specifier:
        raise FormatError(
            f"{text!r} is not a compatibility claim: expected a package and the versions that it "
            "is about, as in PEP 440",
            remedy="Write for example 'policyengine-uk>=2.89,<2.91', in quotes.",
        )
    return AddedClaim(canonicalize_name(found.name), str(found.specifier))


def check_claim(manifest: ReleaseManifest, claim: AddedClaim) -> None:
    """Raise FormatError for a claim about a package that the release has nothing to do with."""
    models, cores = _packages(manifest)
    if claim.name in cores or claim.name in models or not models:
        return
    raise FormatError(
        f"release {manifest.tag} was built with {', '.join(sorted({*models, *cores}))}, and "
        f"{claim} is about another package",
        remedy="Claim versions of one of these.",
    )


def with_claims(manifest: ReleaseManifest, claims: Iterable[AddedClaim]) -> ReleaseManifest:
    """Return a release manifest with further claims, all else being as it was tagged."""
    from pe_dvc.documents.release import Claim

    _, cores = _packages(manifest)
    model, core = list(manifest.compatible_model_packages), list(manifest.compatible_core_packages)
    for added in claims:
        claim = Claim(name=added.name, specifier=added.specifier)
        _add(core if added.name in cores else model, claim)
    changed = {"compatible_model_packages": tuple(model), "compatible_core_packages": tuple(core)}
    return manifest.model_copy(update=changed)


def _packages(manifest: ReleaseManifest) -> tuple[set[str], set[str]]:
    """Return the names of the model packages and of the core packages of a release."""
    build = manifest.build
    models = {claim.name for claim in manifest.compatible_model_packages}
    cores = {claim.name for claim in manifest.compatible_core_packages} | {CORE}
    if build.built_with_model_package is not None:
        models.add(build.built_with_model_package.name)
    if build.built_with_core_package is not None:
        cores.add(build.built_with_core_package.name)
    return models, cores


def _add(claims: list[Claim], claim: Claim) -> None:
    if claim not in claims:
        claims.append(claim)
