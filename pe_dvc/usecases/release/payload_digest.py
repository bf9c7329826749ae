"""The payload of a released artifact: are the bytes, wherever they lie, those that were signed?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import DigestMismatchError

if TYPE_CHECKING:
    from pe_dvc.documents.artifact import Artifact
    from pe_dvc.usecases.payload_place import PayloadPlace


def check_digest(place: PayloadPlace, artifact: Artifact, actual: str) -> None:
    """Raise DigestMismatchError unless ``actual`` is the sha256 that was signed of an artifact."""
    if actual != artifact.sha256:
        raise DigestMismatchError(
            what=artifact.name,
            expected=f"sha256:{artifact.sha256}",
            actual=f"sha256:{actual}",
            source=place.url,
            remedy="The payload was altered or damaged in the bucket: run pe-dvc fsck."
            if place.is_bucket
            else place.advice_if_altered,
        )
