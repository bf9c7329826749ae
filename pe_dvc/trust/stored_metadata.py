"""A metadata file as a bucket holds it, and the check that it is the file that a role names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

from pe_dvc.primitives.errors import DigestMismatchError
from pe_dvc.trust.binned import for_git
from pe_dvc.trust.roles import TAMPERED
from pe_dvc.trust.tuf_api import LengthOrHashMismatchError, Metadata, MetaFile
from pe_dvc.trust.verify import Kind


@dataclass(frozen=True)
class StoredMetadata(Generic[Kind]):
    """Metadata that the bucket holds, with the bytes and the etag of its object."""

    metadata: Metadata[Kind]
    data: bytes
    etag: str

    @property
    def for_git(self) -> bytes:
        """The file that git has of it: with all pointers of a channel in bins."""
        return for_git(self.metadata, self.data)

    @property
    def meta_file(self) -> MetaFile:
        """What the role above says of this file: version, length and sha256 (TUF 4.4)."""
        return MetaFile.from_data(self.metadata.signed.version, self.data, ["sha256"])

    def check(self, meta_file: MetaFile, *, what: str, named_by: str, where: str) -> None:
        """Raise DigestMismatchError unless these are the bytes that the role above names."""
        try:
            meta_file.verify_length_and_hashes(self.data)
        except LengthOrHashMismatchError as error:
            raise DigestMismatchError(
                what=what,
                expected=f"what the {named_by} says",
                actual=str(error),
                source=where,
                remedy=TAMPERED,
            ) from error
