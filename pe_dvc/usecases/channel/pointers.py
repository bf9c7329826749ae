"""Reading the pointers of a channel in git."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.pointer import check_channel, pointers_of
from pe_dvc.trust.ancestry import plain, superseded

if TYPE_CHECKING:
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.trust.signed_metadata import SignedMetadata


def read_pointers(metadata: SignedMetadata, channel: str) -> dict[str, Pointer]:
    """Return a channel's pointers by dataset name, verified from the root in git on.

    Raises SignatureError for a channel that waits for signatures; an expired one is read.
    """
    targets = plain(metadata.verified(check_channel(channel)).signed)
    where = metadata.where(channel)
    return pointers_of(targets, country=metadata.country, channel=channel, where=where)


def superseded_manifests(metadata: SignedMetadata, channel: str) -> dict[str, str | None]:
    """Return the manifests' sha256 that other publishers replaced, by dataset name.

    None for a dataset that this checkout did not have. Raises FormatError, NotFoundError.
    """
    signed = metadata.role(check_channel(channel)).signed
    prefix = f"{metadata.country}/{channel}/"
    return {path.removeprefix(prefix): had for path, had in superseded(signed).items()}
