"""``pe-dvc stale --compatible``: may the model that is here, or named, read published data?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.compatibility import Compatibility, judge
from pe_dvc.documents.release_claims import with_claims
from pe_dvc.primitives.errors import NotFoundError, RevokedError
from pe_dvc.project.repo import DataRepo
from pe_dvc.project.stale import Against, asked_for
from pe_dvc.usecases.read.resolve_release import release_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pe_dvc.primitives.reference import Reference
    from pe_dvc.project.reader import Reader


def compatible(
    references: Sequence[str | Reference], *, store: str | None, against: Against
) -> list[Compatibility]:
    """Return of each dataset whether the model may read it. Raises as ``pe_dvc.compatible``."""
    found, around = [], DataRepo.around()
    for reader, reference in asked_for(references, store=store, offline=against.offline):
        resolved = reader.resolve(reference)
        built_with = resolved.manifest.inputs.model_package
        repo = around if around is not None and around.country == reader.country else None
        now = against.model(built_with.name if built_with else None, repo)
        claims = _claims(reader, str(resolved.pinned.sha256))
        found.append(judge(str(resolved.reference), resolved.pin, built_with, claims, now))
    return found


def _claims(reader: Reader, sha256: str) -> Iterator[tuple[str, str, str]]:
    """Yield what the releases that pin these bytes claim of models."""
    try:
        releases = reader.channels.releases()
    except NotFoundError:  # nothing was ever released
        return
    for released in releases.values():
        if released.state == "deprecated":
            continue
        try:
            plain = release_manifest(released, store=reader.store, cache=reader.cache)
        except RevokedError:
            continue
        manifest = with_claims(plain, released.claims)
        if any(artifact.sha256 == sha256 for artifact in manifest.artifacts.values()):
            for claim in manifest.compatible_model_packages:
                yield released.tag, claim.name, claim.specifier
