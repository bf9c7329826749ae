"""Can the bundle that a paper cites still be fetched? Every pin, byte for byte."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import NotFoundError, ReleaseError
from pe_dvc.primitives.pools import Pool
from pe_dvc.usecases.object_digest import object_digest
from pe_dvc.usecases.payload_place import find_place
from pe_dvc.usecases.release.read_published import UNSIGNED_TOMBSTONE, with_tombstone
from pe_dvc.usecases.release.status import NONE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pe_dvc.documents.artifact import Artifact
    from pe_dvc.documents.bundle import Bundle, Pin
    from pe_dvc.documents.release import ReleaseArtifact
    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.store.port import Store
    from pe_dvc.usecases.payload_place import OpenLocation, PayloadPlace
    from pe_dvc.usecases.release.derive import Release

PAYLOADS_AT_ONCE = 4
"""Each one is transferred in parallel already."""

Verdict = Literal["held", "elsewhere", "differs", "missing", "damaged", "revoked"]


@dataclass(frozen=True, kw_only=True)
class PinCheck:
    """The verdict on one pin. ``elsewhere`` is another repo's artifact, which we do not hold."""

    name: str
    verdict: Verdict
    detail: str

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong with the pin as far as it is ours."""
        return self.verdict in ("held", "elsewhere")

    def to_json(self) -> dict[str, Any]:
        """Return the check as plain JSON values."""
        return asdict(self)


def check_bundle(
    store: Store,
    release: Release,
    bundle: Bundle,
    *,
    open_location: OpenLocation,
    withdrawn: Mapping[Sha256, Revocation] = NONE,
) -> list[PinCheck]:
    """Return the verdict on every pin of a bundle that certified ``release``.

    Of a bundle that certified another one, such as another producer's of the country, these are
    the datasets of ``release`` that it lists beside. Every artifact that is ours is read from the
    store and hashed, but for those that stewards withdrew, ``withdrawn``. Raises ReleaseError for a
    bundle with nothing of the release.
    """
    pins, instead = bundle.pins, certified_instead(release, bundle)
    if instead is not None:
        pins = tuple(pin for pin in bundle.overlays if _is_of(pin, release))
        if not pins:
            raise ReleaseError(instead, remedy="Name the release that the bundle certifies.")
    digests = {Sha256(artifact.sha256) for artifact in release.manifest.artifacts.values()}
    marked = with_tombstone(store, release.country, digests)

    def find(artifact: Artifact) -> PayloadPlace:
        return find_place(artifact.key, artifact.location, store, open_location)

    with Pool(PAYLOADS_AT_ONCE) as pool:
        return list(pool.map(lambda pin: _check(find, release, pin, marked, withdrawn), pins))


def certified_instead(release: Release, bundle: Bundle) -> str | None:
    """Return what a bundle certifies in the place of ``release``, None if it certifies that."""
    package = release.manifest.data_package
    theirs = f"{bundle.data_package} {bundle.version}"
    ours = f"{package.name} {package.version}"
    if bundle.revision in (None, release.tag):
        revision = ""
    elif re.fullmatch("[0-9a-f]{40}", bundle.revision or ""):
        revision = ""  # of a manifest that was committed later, with another claim
    else:
        revision = f" of tag {bundle.revision}"
    if theirs + revision == ours:
        return None
    return f"{bundle.name} certifies {theirs}{revision}, and the release {release.tag} is {ours}"


def _is_of(pin: Pin, release: Release) -> bool:
    repos = {artifact.repo_id for artifact in release.manifest.artifacts.values()}
    return pin.repo_id in repos and pin.revision == release.tag


def _check(
    find: Callable[[Artifact], PayloadPlace],
    release: Release,
    pin: Pin,
    marked: set[Sha256],
    withdrawn: Mapping[Sha256, Revocation],
) -> PinCheck:
    artifact = release.manifest.artifacts.get(pin.name)
    ours = {a.repo_id for a in release.manifest.artifacts.values()}
    if pin.repo_id is not None and pin.repo_id not in ours:
        return PinCheck(name=pin.name, verdict="elsewhere", detail=f"is in {pin.repo_id}")
    if artifact is None:
        return PinCheck(
            name=pin.name, verdict="differs", detail=f"is no artifact of release {release.tag}"
        )
    difference = _difference(pin, artifact, release.hub_path(pin.name))
    if difference is not None:
        return PinCheck(name=pin.name, verdict="differs", detail=difference)
    if gone := withdrawn.get(Sha256(artifact.sha256)):
        return PinCheck(name=pin.name, verdict="revoked", detail=gone.text)
    held = release.manifests[pin.name][0].artifact
    found = _check_bytes(find(held), held)
    if artifact.sha256 in marked:
        return replace(found, detail=f"{found.detail}; {UNSIGNED_TOMBSTONE}")
    return found


def _difference(pin: Pin, artifact: ReleaseArtifact, hub_path: str) -> str | None:
    for what, pinned, released in (
        ("path", pin.path, artifact.path if pin.path == artifact.path else hub_path),
        ("revision", pin.revision, artifact.revision),
        ("sha256", pin.sha256, artifact.sha256),
    ):
        if pinned is not None and pinned != released:
            return f"the bundle pins {what} {pinned}, the release has {released}"
    return None


def _check_bytes(place: PayloadPlace, artifact: Artifact) -> PinCheck:
    try:
        size = place.source.head(place.key).size
    except NotFoundError:
        return PinCheck(name=artifact.name, verdict="missing", detail=f"no {place.url}")
    if size != artifact.size:
        detail = f"{place.url} has {size} bytes, and {artifact.size} are pinned"
        return PinCheck(name=artifact.name, verdict="damaged", detail=detail)
    actual = object_digest(place.source, place.key, size)
    if actual != artifact.sha256:
        detail = f"{place.url} has sha256:{actual}, and sha256:{artifact.sha256} is pinned"
        return PinCheck(name=artifact.name, verdict="damaged", detail=detail)
    return PinCheck(name=artifact.name, verdict="held", detail=f"sha256:{actual}")
