"""What a publication has to do with revoking: it refuses what is withdrawn, and then removes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import metadata_key
from pe_dvc.documents.pointer import pointers_of
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.reference import CHANNELS, Reference
from pe_dvc.trust.ancestry import plain
from pe_dvc.trust.bucket_head import read_head
from pe_dvc.trust.tuf_api import Targets
from pe_dvc.usecases.revoke.withdrawn import ROLE, publication_error, withdrawn_by

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pe_dvc.documents.manifest import ManifestHead
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.trust.bucket import ReadableChannels
    from pe_dvc.trust.bucket_writer import ChannelBucket
    from pe_dvc.trust.signed_metadata import SignedMetadata
    from pe_dvc.usecases.publish.channel import PublishedChannels
    from pe_dvc.usecases.revoke.removal import Removal
    from pe_dvc.usecases.revoke.withdrawn import Withdrawn

_REMEDY = (
    "Nothing was published. Build the dataset from other data, let its channel go back to an "
    "earlier version, or take its declaration out of dvc.yaml."
)


def refuse_pointers(
    bucket: ReadableChannels,
    metadata: SignedMetadata,
    withdrawn: Withdrawn,
    *,
    but: Collection[str] = (),
) -> None:
    """Raise RevokedError for a pointer in git to a withdrawn artifact that readers do not see yet.

    One that was published before stays, as readers refuse it and are told why: other datasets of
    its channel go on. Channels in ``but`` are not published.
    """
    for channel in (channel for channel in CHANNELS if channel not in but):
        ours = _pointers(metadata.role(channel).signed, metadata, channel)
        marked = [one for one in ours.values() if one.sha256 in withdrawn.artifacts]
        before = _published(bucket, metadata, channel) if marked else {}
        for pointer in marked:
            there = before.get(pointer.name)
            if there is None or there.sha256 != pointer.sha256:
                asked = f"{channel} of git points to {_pinned(pointer)}, which"
                found = withdrawn.artifacts[pointer.sha256]
                raise publication_error(found, asked=asked, remedy=_REMEDY)


def refuse_new(
    bucket: ReadableChannels,
    metadata: SignedMetadata,
    withdrawn: Withdrawn,
    manifests: Iterable[ManifestHead],
) -> None:
    """Raise RevokedError for an artifact not yet in ``latest`` that has a withdrawn raw input."""
    derived = [
        (manifest, found)
        for manifest in manifests
        if (found := withdrawn.of(manifest)) is not None
        if Sha256(manifest.artifact.sha256) not in withdrawn.artifacts
    ]
    before = _published(bucket, metadata, "latest") if derived else {}
    for manifest, found in derived:
        there = before.get(manifest.artifact.name)
        if there is None or there.sha256 != manifest.artifact.sha256:
            asked = f"{manifest.reference} derives from {found.what}, which"
            raise publication_error(found, asked=asked, remedy=_REMEDY)


def published_removal(
    bucket: ChannelBucket, metadata: SignedMetadata, published: PublishedChannels
) -> Removal | None:
    """Remove what readers are shown as withdrawn, where the role is new or something is left.

    ``bucket`` was just published to, and read back. None where nothing is to do.
    """
    withdrawn = withdrawn_by(bucket, metadata, bucket.head)
    country, version = metadata.country, published.versions.get(ROLE)
    # Before the first version nothing was withdrawn that might be left.
    is_new = version != 1 and metadata_key(country, ROLE, version) in published.written
    if not withdrawn.version or not (withdrawn.artifacts or withdrawn.inputs or is_new):
        return None
    from pe_dvc.usecases.revoke.removal import is_pending, remove_withdrawn

    if is_new or is_pending(bucket.store, country, withdrawn):
        return remove_withdrawn(bucket.store, country, withdrawn)
    return None


def _published(
    bucket: ReadableChannels, metadata: SignedMetadata, channel: str
) -> dict[str, Pointer]:
    """Return the pointers of a channel that readers are shown, none where keys count no more."""
    named = read_head(bucket).meta.get(channel)
    if named is None:
        return {}
    held = bucket.signed(metadata.delegator(channel), channel, Targets, named.version, named)
    return {} if held is None else _pointers(held.metadata.signed, metadata, channel)


def _pointers(signed: Targets, metadata: SignedMetadata, channel: str) -> dict[str, Pointer]:
    country, where = metadata.country, metadata.where(channel)
    return pointers_of(plain(signed), country=country, channel=channel, where=where)


def _pinned(pointer: Pointer) -> Reference:
    return Reference.pinned(pointer.country, pointer.name, pointer.sha256)
