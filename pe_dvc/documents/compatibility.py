"""May a model read published data: what releases claim of it, by PEP 440."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pe_dvc.primitives.result import Result, field_values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pe_dvc.documents.provenance import Package
    from pe_dvc.documents.staleness import CurrentPackage


@dataclass(frozen=True, kw_only=True)
class HeldClaim(Result):
    """A claim of a release, or what the data was built with, and whether it covers a version."""

    source: str
    package: str
    specifier: str
    holds: bool


@dataclass(frozen=True, kw_only=True)
class Compatibility(Result):
    """Whether a model may read a dataset. ``version`` is None where the model is not known."""

    reference: str
    pinned: str
    package: str | None
    version: str | None
    source: str | None
    claims: tuple[HeldClaim, ...]
    reason: str | None = None

    @property
    def verdict(self) -> Literal["compatible", "incompatible", "unknown"]:
        """Return ``compatible`` where one claim covers it; ``unknown`` where there is none."""
        if self.version is None or not self.claims:
            return "unknown"
        return "compatible" if any(claim.holds for claim in self.claims) else "incompatible"

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values, the verdict too."""
        return {**field_values(self), "verdict": self.verdict}


def judge(
    reference: str,
    pinned: str,
    built_with: Package | None,
    claims: Iterable[tuple[str, str, str]],
    now: CurrentPackage,
) -> Compatibility:
    """Judge a dataset by ``claims``: the release, the package and the specifier of each.

    It may be read by what it was built with, and by a model of the same fingerprint.
    """
    package = now.package
    held: list[HeldClaim] = []
    if package is not None and built_with is not None and built_with.name == package.name:
        held += _built(built_with, package)
    if package is not None:
        held += [
            HeldClaim(
                source=f"release {release}",
                package=name,
                specifier=specifier,
                holds=_covers(specifier, package.version),
            )
            for release, name, specifier in claims
            if name == package.name
        ]
    return Compatibility(
        reference=reference,
        pinned=pinned,
        package=package.name if package else None,
        version=package.version if package else None,
        source=now.source,
        claims=tuple(held),
        reason=now.reason or (None if held else "no release of it claims anything of this package"),
    )


def _built(was: Package, now: Package) -> Iterable[HeldClaim]:
    same = was.data_build_fingerprint, now.data_build_fingerprint
    specifier = f"=={was.version}"
    yield HeldClaim(
        source="the manifest: built with it",
        package=was.name,
        specifier=specifier,
        holds=_covers(specifier, now.version),
    )
    if None not in same:
        yield HeldClaim(
            source="the manifest: data_build_fingerprint",
            package=was.name,
            specifier=str(same[0]),
            holds=same[0] == same[1],
        )


def _covers(specifier: str, version: str) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion

    try:
        return SpecifierSet(specifier).contains(version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return False
