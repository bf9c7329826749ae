"""Push a release: its documents, then the signed metadata that names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pe_dvc.usecases.release.publish import check_held, check_not_moved, publish_documents

if TYPE_CHECKING:
    from pe_dvc.documents.release_target import Released
    from pe_dvc.usecases.publish.channel import PublishedChannels
    from pe_dvc.usecases.publish.publication import Publication
    from pe_dvc.usecases.publish.rebase import Rebased
    from pe_dvc.usecases.release.derive import Release


@dataclass(frozen=True, kw_only=True)
class ReleasePushed:
    """What a push of a release did: the keys of the ``documents`` that it wrote, the channels.

    ``rebased`` if another publisher of ``latest`` was first.
    """

    tag: str
    store: str
    documents: list[str]
    channel: PublishedChannels
    rebased: Rebased | None

    def to_json(self) -> dict[str, Any]:
        """Return the push as plain JSON values."""
        return {"documents": self.documents, "channel_files": list(self.channel.written)}


def push_release(publication: Publication, release: Release, registered: Released) -> ReleasePushed:
    """Publish a release that git registers as ``registered``, in the publication's turn.

    Raises ReleaseError for a tag that was moved and for one whose artifacts are not all in the
    store, and as ``Publication.turn`` and ``publish_channels``.
    """
    check_not_moved(registered, release)
    store = publication.store
    with publication.turn():
        check_held(store, release)
        publication.foresee()
        documents = publish_documents(store, release)
        channel, rebased = publication.publish_channels()
    return ReleasePushed(
        tag=release.tag, store=store.url, documents=documents, channel=channel, rebased=rebased
    )
