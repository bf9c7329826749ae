"""Payloads that the bucket lacks: is each at the location that its manifest names?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import FormatError, NotFoundError, StoreError
from pe_dvc.usecases.retention.expected_payload import ExpectedPayload
from pe_dvc.usecases.retention.findings import Finding

if TYPE_CHECKING:
    from pe_dvc.documents.artifact import Artifact
    from pe_dvc.usecases.payload_place import OpenLocation
    from pe_dvc.usecases.retention.findings import Fault


def payload_at_location(
    artifact: Artifact, open_location: OpenLocation | None
) -> ExpectedPayload | Finding:
    """Return what to hash at the location of an artifact, or the finding why that is impossible.

    A finding is about the bucket's key: a repair puts the payload there.
    """

    def found(fault: Fault, detail: str) -> Finding:
        key, sha256 = artifact.key, Sha256(artifact.sha256)
        return Finding(fault=fault, key=key, what=artifact.name, detail=detail, sha256=sha256)

    if artifact.location is None or open_location is None:
        return found("missing", "its manifest names it")
    try:
        place = open_location(artifact.location)
        info = place.source.head(place.key)
    except (NotFoundError, FormatError) as error:
        return found("missing", f"and at {artifact.location}: {error.message}")
    except StoreError as error:
        return found("unchecked", f"it lies at {artifact.location}: {error.message}")
    if info.size != artifact.size:
        detail = f"expected {artifact.size} bytes, got {info.size} at {place.url}"
        return found("wrong size", detail)
    # Known to the journal by the address, too: the bucket may get the payload before a next run.
    info = replace(info, key=artifact.key, etag=f"{place.url} {info.etag}")
    return ExpectedPayload(info, artifact.name, "sha256", Sha256(artifact.sha256), place)
