"""From ``@1.78.2`` to a pointer: by the signed release, and the artifacts that it pins."""

from __future__ import annotations

import difflib
import warnings
from typing import TYPE_CHECKING

from pe_dvc.documents.pointer import Pointer
from pe_dvc.documents.release import ReleaseManifest
from pe_dvc.documents.release_tag import candidates, spellings
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.names import country_code, say_which_there_are
from pe_dvc.primitives.warnings import DeprecatedReleaseWarning
from pe_dvc.store.several import first_good
from pe_dvc.usecases.release.read_published import read_published

if TYPE_CHECKING:
    from pe_dvc.documents.release import ReleaseArtifact
    from pe_dvc.documents.release_target import Released
    from pe_dvc.primitives.reference import Reference
    from pe_dvc.store.cache import Cache
    from pe_dvc.store.port import ReadableStore

_SHOWN = 5


def released_pointer(
    reference: Reference, releases: dict[str, Released], *, store: ReadableStore, cache: Cache
) -> Pointer:
    """Return the pointer that a signed release gives for the dataset of ``reference``.

    ``releases`` are the published ones, verified, by tag. Warns (DeprecatedReleaseWarning) of one
    that is deprecated. Raises NotFoundError for a release that
    is not published or has no such dataset, DigestMismatchError for an altered manifest.
    """
    released = _find(reference, releases, store)
    manifest = release_manifest(released, store=store, cache=cache)
    artifact = manifest.artifacts.get(reference.name)
    if artifact is None:
        raise _no_such_dataset(reference, released, manifest.artifacts)
    _warn_of_deprecation(released)
    return _pointer(released, reference.name, artifact)


def released_pointers(
    tag: str, releases: dict[str, Released], *, store: ReadableStore, cache: Cache
) -> dict[str, Pointer]:
    """Return the pointers that a signed release gives, by name; as ``released_pointer``."""
    found = next((releases[one] for one in spellings(tag) if one in releases), None)
    if found is None:
        raise NotFoundError(
            f"no release {tag} is published in {store.url}",
            remedy=_which_there_are(tag, releases) or "No release is.",
        )
    _warn_of_deprecation(found)
    artifacts = release_manifest(found, store=store, cache=cache).artifacts
    return {name: _pointer(found, name, artifact) for name, artifact in artifacts.items()}


def _warn_of_deprecation(released: Released) -> None:
    if released.state == "deprecated":
        said = f"release {released.tag} of {released.country} is deprecated: {released.reason}"
        warnings.warn(said, DeprecatedReleaseWarning, stacklevel=3)


def _pointer(released: Released, name: str, artifact: ReleaseArtifact) -> Pointer:
    return Pointer(
        country=released.country,
        channel=released.channel,
        name=name,
        sha256=Sha256(artifact.sha256),
        size=artifact.size_bytes,
        manifest_sha256=Sha256(artifact.manifest_sha256),
    )


def _find(reference: Reference, releases: dict[str, Released], store: ReadableStore) -> Released:
    for tag in candidates(reference.name, reference.release or ""):
        if tag in releases:
            return releases[tag]
    raise NotFoundError(
        f"{reference}: no release {reference.release} is published in {store.url}",
        remedy=_which_there_are(reference.release or "", releases)
        or f"No release is; use @latest, @next or @sha256:…, such as pe-data://"
        f"{reference.country}/{reference.name}@latest.",
    )


def _which_there_are(wanted: str, releases: dict[str, Released]) -> str:
    """Return a remedy: the releases of like names, else the last by name; empty without any."""
    shown = difflib.get_close_matches(wanted, releases) or list(releases)[-_SHOWN:]
    rest = len(releases) - len(shown)
    more = f" and {rest} more" if rest else ""
    return f"Published are {', '.join(shown)}{more}." if shown else ""


def release_manifest(released: Released, *, store: ReadableStore, cache: Cache) -> ReleaseManifest:
    """Return the manifest of a signed release, verified. Raises as ``released_pointer``."""
    data = cache.read_manifest(released.sha256)
    if data is None:
        data = first_good(store, lambda one: read_published(one, released))
        cache.keep_manifest(released.sha256, data)
    manifest = ReleaseManifest.from_bytes(data, where=f"release {released.tag}")
    if (manifest.country_id, manifest.tag) != (country_code(released.country), released.tag):
        raise FormatError(
            f"is of release {manifest.tag} of {manifest.country_id}",
            where=f"the signed manifest of release {released.tag} of {released.country}",
        )
    return manifest


def _no_such_dataset(
    reference: Reference, released: Released, artifacts: dict[str, ReleaseArtifact]
) -> NotFoundError:
    return NotFoundError(
        f"release {released.tag} of {reference.country} has no dataset {reference.name!r}",
        remedy=say_which_there_are(reference.name, sorted(artifacts)),
    )
