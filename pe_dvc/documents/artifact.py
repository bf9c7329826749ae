"""The section ``artifact`` of a manifest: which bytes it is of, a file's or a directory's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from pe_dvc.documents.artifact_view import ArtifactView
from pe_dvc.documents.dvc_hash import PATTERN, is_listing
from pe_dvc.documents.model import Record
from pe_dvc.documents.provenance import HexSha256
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


class Artifact(ArtifactView, Record):
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
