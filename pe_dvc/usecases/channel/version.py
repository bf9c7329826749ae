"""One version of a channel as its history tells it, and the checks of its file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.metadata_fields import SIGNER_FIELD
from pe_dvc.documents.pointer import pointers_of
from pe_dvc.primitives.errors import VerificationError
from pe_dvc.primitives.reference import CHANNELS
from pe_dvc.trust.ancestry import plain
from pe_dvc.trust.bucket_form import bucket_form
from pe_dvc.trust.roles import TAMPERED
from pe_dvc.trust.tuf_api import LengthOrHashMismatchError, Metadata, MetaFile, Targets

if TYPE_CHECKING:
    from datetime import datetime

    from pe_dvc.documents.pointer import Pointer

NEVER_PUBLISHED = "in git only: the bucket does not have it, and no snapshot shows that readers had"


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of a channel. ``signed_at`` follows from its expiry; ``pointers`` by name.

    ``data`` is the file as git has it. ``signers`` are the keys that signed it validly: the URI of
    a KMS or HSM, else the key's id; ``names`` whose these are, by key id. ``note`` says why it does
    not count, where it does not; it is ``foreign`` if it was not signed by keys that count.
    """

    channel: str
    version: int
    signed_at: datetime
    expires: datetime
    signers: tuple[str, ...]
    pointers: dict[str, Pointer]
    data: bytes
    names: dict[str, str] = field(default_factory=dict)
    note: str | None = None
    foreign: bool = False


def pointers_in(
    metadata: Metadata[Targets], country: str, channel: str, where: str
) -> dict[str, Pointer]:
    """Return the pointers of a version; a role that is no channel has none. Raises FormatError."""
    if channel not in CHANNELS:
        return {}
    return pointers_of(plain(metadata.signed), country=country, channel=channel, where=where)


def check_number(metadata: Metadata[Targets], number: int, where: str) -> None:
    """Raise VerificationError for the file of another version."""
    if metadata.signed.version != number:
        raise VerificationError(
            f"{where} says that it is version {metadata.signed.version}", remedy=TAMPERED
        )


def signer(keyid: str, key: Any) -> str:
    """Return the URI of a KMS or HSM, else the key's id."""
    uri = key.unrecognized_fields.get(SIGNER_FIELD)
    return uri if isinstance(uri, str) else keyid


def missing(where: str) -> VerificationError:
    """Return the error for a version that counts and is not in the bucket."""
    return VerificationError(
        f"{where} is missing",
        remedy="Restore it from git, where it was committed: versioned files are never deleted. It "
        "may never have been pushed.",
    )


def check_named(named: MetaFile, data: bytes, where: str) -> None:
    """Raise VerificationError unless this file, as git or the bucket has it, is what is named."""
    try:
        named.verify_length_and_hashes(bucket_form(data, where=where)[0])
    except LengthOrHashMismatchError:
        raise VerificationError(
            f"{where} is not the file that the snapshot names", remedy=TAMPERED
        ) from None


def why_apart(*, counts: bool, later: bool) -> str:
    """Return why a version does not count; ``later`` is one above what readers see."""
    if not counts:
        return "signed by keys that no longer count; later versions were not made from it"
    return "readers do not see it yet" if later else "later versions were not made from it"
