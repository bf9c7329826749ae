"""Do signed pointers say of files what the manifests say that they sign? ADR 0030."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.documents.payload import Payload
from pe_dvc.documents.pointed_file import FILE, PointedFile
from pe_dvc.documents.pointer import Pointer
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError
from pe_dvc.usecases.retention.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def contradictions(
    key: str, targets: Mapping[str, Mapping[str, Any]], manifests: Mapping[str, bytes]
) -> Iterator[Finding]:
    """Yield a finding for each pointer of a channel's metadata at ``key`` that contradicts.

    ``manifests`` is what the bucket has as each target's manifest, by the target's path. One that
    is not the signed one is another finding, and none here.
    """
    for path, target in targets.items():
        data = manifests.get(path) if FILE in target["custom"] else None
        if data is None or sha256_bytes(data) != target["custom"]["manifest_sha256"]:
            continue
        try:
            pointer = Pointer.from_target(path, dict(target))
            described = Payload.of_manifest(data)
            said = pointer.contradiction(PointedFile.of(described), described.size)
        except FormatError as error:
            said = error.message
        if said is not None:
            yield Finding(fault="corrupt", key=key, what=path, detail=said)
