"""Reading the pointers of a channel in git."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.pointer import check_channel, pointers_of
from pe_dvc.primitives.errors import SignatureError
from pe_dvc.trust.ancestry import plain, superseded
from pe_dvc.trust.tuf_api import Targets
from pe_dvc.trust.verify import parse, signatures

if TYPE_CHECKING:
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.trust.ancestry import Committed
    from pe_dvc.trust.signed_metadata import SignedMetadata


def read_pointers(metadata: SignedMetadata, channel: str) -> dict[str, Pointer]:
    """Return a channel's pointers by dataset name, verified from the root in git on.

    Raises SignatureError for a channel that waits for signatures; an expired one is read.
    """
    targets = plain(metadata.verified(check_channel(channel)).signed)
    where = metadata.where(channel)
    return pointers_of(targets, country=metadata.country, channel=channel, where=where)


def draft_pointers(metadata: SignedMetadata, channel: str) -> dict[str, Pointer]:
    """Return a channel's pointers as they stand in git's files, signed or not."""
    targets = plain(metadata.role(check_channel(channel)).signed)
    where = metadata.where(channel)
    return pointers_of(targets, country=metadata.country, channel=channel, where=where)


def is_draft(metadata: SignedMetadata, channel: str) -> bool:
    """Tell whether a channel waits for signatures, and has none that is not of its keys."""
    role = metadata.role(check_channel(channel))
    result = signatures(metadata.delegator(channel), channel, role)
    return not result and role.signatures.keys() <= result.signed.keys()


def signed_pointers(
    metadata: SignedMetadata, channel: str, committed: Committed
) -> dict[str, Pointer]:
    """Return a channel's pointers as they were signed last: the checkout's, else ``committed``.

    What is kept of a channel and signed again comes from here: not from a draft, which anyone may
    have written. Empty where nothing was signed.
    """
    try:
        return read_pointers(metadata, channel)
    except SignatureError:
        if not committed.data:
            return {}
    targets = plain(parse(Targets, committed.data, where=committed.where).signed)
    return pointers_of(targets, country=metadata.country, channel=channel, where=committed.where)


def superseded_manifests(metadata: SignedMetadata, channel: str) -> dict[str, str | None]:
    """Return the manifests' sha256 that other publishers replaced, by dataset name.

    None for a dataset that this checkout did not have. Raises FormatError, NotFoundError.
    """
    signed = metadata.role(check_channel(channel)).signed
    prefix = f"{metadata.country}/{channel}/"
    return {path.removeprefix(prefix): had for path, had in superseded(signed).items()}
