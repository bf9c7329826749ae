"""The section ``sidecars`` of a manifest: files that say more of the content, by their sha256.

They are committed beside the manifest as ``NAME.profile.json``, and lie in the bucket beside it.
ADR 0020.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pe_dvc.documents.keys import MANIFEST_LIMIT
from pe_dvc.documents.model import Record
from pe_dvc.documents.provenance import HexSha256
from pe_dvc.primitives.digest import sha256_bytes

SidecarKind = Annotated[str, Field(pattern=r"^[a-z]{2,32}$")]
"""What a sidecar says of the content, in a word: it stands in its file's name and its key."""


class Sidecar(Record):
    """A sidecar that a manifest names: its sha256 and its number of bytes."""

    sha256: HexSha256
    size: Annotated[int, Field(ge=0, le=MANIFEST_LIMIT)]

    @classmethod
    def of(cls, data: bytes) -> Sidecar:
        """Return what a manifest says of a sidecar with these bytes."""
        return cls(sha256=sha256_bytes(data), size=len(data))
