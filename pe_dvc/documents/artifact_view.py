"""What a manifest's artifact tells of itself, in whichever way the manifest was read.

``documents.artifact`` imports this, so that its types are not imported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.documents.keys import chunks_key, members_key, payload_key
from pe_dvc.primitives.digest import Sha256, implied_chunks, sha256_bytes


class ArtifactView:
    """An artifact: where its bytes and the list of their parts lie, and what else is the same."""

    if TYPE_CHECKING:
        country: str
        name: str
        path: str
        kind: str
        sha256: Any
        size: int
        dvc: Any
        chunks: Any
        members: Any

        def to_json(self) -> dict[str, Any]:
            """Return what it says."""

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory of files."""
        return self.members is not None

    @property
    def key(self) -> str:
        """The key of the payload in the bucket."""
        return payload_key(self.country, self.dvc.md5)

    @property
    def parts_key(self) -> str:
        """The key of the sidecar by which parts are verified: chunks or members."""
        of = members_key if self.is_directory else chunks_key
        return of(self.country, Sha256(self.sha256))

    @property
    def parts_sha256(self) -> Sha256:
        """The sha256 of that sidecar."""
        parts = self.members or self.chunks
        assert parts is not None  # an artifact has one of the two
        return Sha256(parts.sha256)

    @property
    def implied_parts(self) -> bytes | None:
        """The bytes of that sidecar where they follow from the artifact: it is one chunk at most.

        Then it need not be in the bucket. None for others.
        """
        if self.chunks is None:
            return None
        implied = implied_chunks(self.sha256, self.size, self.chunks.size)
        is_it = implied is not None and sha256_bytes(implied) == self.chunks.sha256
        return implied if is_it else None

    def is_same_as(self, other: ArtifactView) -> bool:
        """Tell whether both say the same of the same bytes, wherever else these lie."""
        return self.to_json() | {"location": None} == other.to_json() | {"location": None}

    def declared_otherwise(self, published: ArtifactView) -> str:
        """Return the remedy where these bytes were published with another path or kind."""
        return (
            f"Published content keeps its first path and kind: declare {published.name}, "
            f"{published.path}, kind {published.kind}, in dvc.yaml; or publish {self.name} once a "
            "build gives it other content."
        )
