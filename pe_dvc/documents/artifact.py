"""The section ``artifact`` of a manifest: which bytes it is of, a file's or a directory's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from pe_dvc.documents.dvc_hash import PATTERN, is_listing
from pe_dvc.documents.keys import chunks_key, members_key, payload_key
from pe_dvc.documents.model import Record
from pe_dvc.documents.provenance import HexSha256
from pe_dvc.primitives.digest import Sha256, implied_chunks, sha256_bytes
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.names import check_country, check_inside, check_name
from pe_dvc.primitives.sizes import MAX_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable


def _valid(check: Callable[[str], str]) -> Callable[[str], str]:
    """Let pydantic name the field at fault: it does so for a ValueError."""

    def validate(value: str) -> str:
        try:
            return check(value)
        except FormatError as error:
            raise ValueError(error.message) from None

    return validate


class DvcObject(Record):
    """Where DVC keeps the bytes: an address, never trusted as an identity.

    Of a directory, that of its listing (``documents.dvc_hash``).
    """

    hash: Literal["md5"]
    md5: Annotated[str, Field(pattern=PATTERN)]


class ChunkList(Record):
    """The sidecar ``.chunks``: the sha256 of each ``size`` bytes of the payload, 32 bytes each.

    ``sha256`` is of the list itself, so that a signed manifest covers every chunk.
    """

    size: Annotated[int, Field(gt=0, le=MAX_SIZE)]
    sha256: HexSha256


class MemberList(Record):
    """The sidecar ``.members`` of a directory: its files (``documents.members``).

    ``digest`` says what the artifact's ``sha256`` is: in-toto's ``dirHash`` of them.
    """

    digest: Literal["dirHash"] = "dirHash"
    count: Annotated[int, Field(gt=0, le=MAX_SIZE)]
    sha256: HexSha256


class Artifact(Record):
    """The bytes: ``sha256`` is their identity, ``size`` their length in bytes.

    A file has ``chunks``, a directory has ``members``.
    """

    country: Annotated[str, AfterValidator(_valid(check_country))]
    name: Annotated[str, AfterValidator(_valid(check_name))]
    path: Annotated[str, AfterValidator(_valid(check_inside))]
    """Path in the data repo, with forward slashes."""
    kind: str
    """What it is, by a word of policyengine's data release manifest, such as ``microdata``."""
    media_type: str
    sha256: HexSha256
    size: Annotated[int, Field(ge=0, le=MAX_SIZE)]
    dvc: DvcObject
    chunks: ChunkList | None = None
    members: MemberList | None = None
    location: str | None = None
    """Where the bytes lie beside the bucket (``documents.hub_uri.parse_location``)."""

    @model_validator(mode="after")
    def _is_file_or_directory(self) -> Self:
        of_directory = self.members is not None
        if of_directory != (self.chunks is None) or of_directory != is_listing(self.dvc.md5):
            raise ValueError("expected chunks and an md5, or members and DVC's md5 of a directory")
        return self

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
        assert parts is not None  # held by _is_file_or_directory
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

    def is_same_as(self, other: Artifact) -> bool:
        """Tell whether both say the same of the same bytes, wherever else these lie."""
        return self.model_copy(update={"location": other.location}) == other

    def declared_otherwise(self, published: Artifact) -> str:
        """Return the remedy where these bytes were published with another path or kind."""
        return (
            f"Published content keeps its first path and kind: declare {published.name}, "
            f"{published.path}, kind {published.kind}, in dvc.yaml; or publish {self.name} once a "
            "build gives it other content."
        )
