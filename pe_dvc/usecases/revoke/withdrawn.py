"""What the signed role ``revoked`` withdraws, as maintainers know it: git's, or the bucket's."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pe_dvc.documents.revocation import entries_of
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import (
    FormatError,
    NotFoundError,
    VerificationError,
)
from pe_dvc.trust.ancestry import plain
from pe_dvc.trust.bucket import ReadableChannels
from pe_dvc.trust.bucket_head import read_head
from pe_dvc.trust.roles import TAMPERED
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.trust.tuf_api import Targets
from pe_dvc.trust.verify import parse, signatures
from pe_dvc.usecases.revoked import withdrawn_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pe_dvc.documents.manifest import ManifestHead
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.primitives.errors import RevokedError
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.trust.ancestry import Committed
    from pe_dvc.trust.files import ChannelFiles
    from pe_dvc.trust.stored_metadata import Head

ROLE = "revoked"


@dataclass(frozen=True, kw_only=True)
class Withdrawn:
    """The entries of a signed version of the role; of version 0 there are none."""

    version: int = 0
    artifacts: Mapping[Sha256, Revocation] = field(default_factory=dict)
    inputs: Mapping[Sha256, Revocation] = field(default_factory=dict)

    @property
    def md5s(self) -> frozenset[str]:
        """DVC's hashes of what was withdrawn, as far as the entries have them."""
        entries = (*self.artifacts.values(), *self.inputs.values())
        return frozenset(one.dvc_md5 for one in entries if one.dvc_md5 is not None)

    def of(self, manifest: ManifestHead) -> Revocation | None:
        """Return why an artifact is withdrawn: it is, or a raw input that it derives from."""
        if not self.artifacts and not self.inputs:
            return None
        found = self.artifacts.get(Sha256(manifest.artifact.sha256))
        if found is not None:
            return found
        raw = (Sha256(one.sha256) for one in manifest.inputs.raw_inputs)
        return next((self.inputs[sha256] for sha256 in raw if sha256 in self.inputs), None)


def withdrawn_of(signed: Targets, *, country: str, where: str) -> Withdrawn:
    """Return what a version of the role says. Raises FormatError if an entry is malformed."""
    artifacts, inputs = entries_of(plain(signed), country=country, where=where)
    return Withdrawn(version=signed.version, artifacts=artifacts, inputs=inputs)


def withdrawn_in_git(metadata: SignedMetadata, committed: Committed | None = None) -> Withdrawn:
    """Return what git holds signed: the checkout's version, or where that is a draft ``committed``.

    That is the newest version which git's history holds signed. An expired one counts, too. Raises
    NotFoundError where the checkout has no channels, FormatError and VerificationError.
    """
    if is_signed(metadata):
        signed, where = metadata.role(ROLE).signed, metadata.where(ROLE)
    elif committed is not None and committed.data:
        signed, where = (
            parse(Targets, committed.data, where=committed.where).signed,
            committed.where,
        )
    else:
        return Withdrawn()
    return withdrawn_of(signed, country=metadata.country, where=where)


def is_signed(metadata: SignedMetadata) -> bool:
    """Tell whether enough stewards signed the checkout's version of the role."""
    return bool(signatures(metadata.delegator(ROLE), ROLE, metadata.role(ROLE)))


def withdrawn_in(store: ReadableStore, metadata: SignedMetadata) -> Withdrawn:
    """Return what readers of the bucket see as withdrawn, verified by the keys that git holds.

    Raises VerificationError for a role that was altered or hidden, StoreError.
    """
    roots = [root.signed for root in metadata.roots]
    return withdrawn_by(ReadableChannels(store, metadata.country, roots), metadata)


def withdrawn_by(
    bucket: ReadableChannels, metadata: SignedMetadata, head: Head | None = None
) -> Withdrawn:
    """As ``withdrawn_in``, of a bucket that is open, and that stands at ``head`` if it is given."""
    if head is None:
        head = read_head(bucket, ahead=likely_named(bucket, metadata))
    named = head.meta.get(ROLE)
    if named is None:
        return Withdrawn()
    where = bucket.where(ROLE, named.version)
    held = bucket.signed_named(metadata.delegator(ROLE), ROLE, named)
    if held is None:
        raise VerificationError(
            f"{where}, which readers are shown, is not signed by the data stewards that git names",
            remedy=TAMPERED,
        )
    return withdrawn_of(held.metadata.signed, country=metadata.country, where=where)


def likely_named(bucket: ReadableChannels, metadata: SignedMetadata) -> tuple[tuple[str, int], ...]:
    """Return what readers are likely shown: the snapshot that git saw last, git's withdrawals."""
    return ("snapshot", bucket.seen.snapshot), (ROLE, metadata.role(ROLE).signed.version)


def withdrawn_here(
    files: ChannelFiles,
    store: ReadableStore | None = None,
    committed: Committed | None = None,
    *,
    strict: bool = False,
) -> Withdrawn:
    """Return what is withdrawn by what git holds signed, or by the bucket ``store``, if newer.

    ``committed`` as in ``withdrawn_in_git``. Channels that are not there say nothing, nor do those
    that cannot be read or verified. With ``strict`` these raise FormatError or VerificationError,
    and what git takes back stays withdrawn until that is published: who brings bytes back must
    know, and readers are refused them. Raises StoreError.
    """
    ignored = (NotFoundError,) if strict else (NotFoundError, FormatError, VerificationError)
    choose = published_or_both if strict else newer
    try:
        metadata = SignedMetadata(files)
        ours = withdrawn_in_git(metadata, committed)
    except ignored:
        return Withdrawn()
    try:
        return ours if store is None else choose(ours, withdrawn_in(store, metadata))
    except ignored:
        return ours


def newer(one: Withdrawn, other: Withdrawn) -> Withdrawn:
    """Return the one of the higher version: it takes back what the other said.

    Two drafts of one version take nothing back of each other: what either withdraws is withdrawn.
    """
    if one.version != other.version:
        return one if one.version > other.version else other
    return _both(one, other)


def published_or_both(ours: Withdrawn, theirs: Withdrawn) -> Withdrawn:
    """Return the bucket's version ``theirs`` if it is newer, else what either withdraws."""
    return theirs if theirs.version > ours.version else _both(ours, theirs)


def _both(one: Withdrawn, other: Withdrawn) -> Withdrawn:
    return replace(
        one,
        artifacts={**other.artifacts, **one.artifacts},
        inputs={**other.inputs, **one.inputs},
    )


def publication_error(found: Revocation, *, asked: str, remedy: str) -> RevokedError:
    """Return the error that stops a publication of what was withdrawn: ``remedy``, and advice."""
    return withdrawn_error(
        found, subject=asked, reference=str(found.reference), remedy=f"{remedy} {found.advice}"
    )


def refuse_withdrawn(
    withdrawn: Withdrawn, manifests: Iterable[ManifestHead], *, remedy: str
) -> None:
    """Raise RevokedError for the first artifact that was withdrawn, or whose raw input was."""
    for manifest in manifests:
        found = withdrawn.of(manifest)
        if found is not None:
            derives = f" derives from {found.what}, which" if found.is_input else ""
            asked = f"{manifest.reference}{derives}"
            raise publication_error(found, asked=asked, remedy=remedy)


def refuse_pointed(withdrawn: Withdrawn, pointers: Iterable[Pointer], *, remedy: str) -> None:
    """Raise RevokedError for a pointer to an artifact that was withdrawn."""
    for pointer in pointers:
        found = withdrawn.artifacts.get(pointer.sha256)
        if found is not None:
            asked = f"{pointer.name}, sha256:{pointer.sha256},"
            raise publication_error(found, asked=asked, remedy=remedy)
