"""Push a release: its documents, then the signed metadata that names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.errors import ReleaseError
from pe_dvc.usecases.publish.waiting import RELEASES
from pe_dvc.usecases.release.held import check_held
from pe_dvc.usecases.release.publish import check_not_moved, publish_documents
from pe_dvc.usecases.release.statements import publish_statements

if TYPE_CHECKING:
    from collections.abc import Callable

    from pe_dvc.documents.release_target import Released
    from pe_dvc.usecases.publish.channel import PublishedChannels
    from pe_dvc.usecases.publish.publication import Publication
    from pe_dvc.usecases.publish.rebase import Rebased
    from pe_dvc.usecases.release.derive import Release


@dataclass(frozen=True, kw_only=True)
class ReleasePushed:
    """What a push of a release did: the keys of the ``documents`` that it wrote, the channels.

    ``rebased`` if another publisher of ``latest`` was first. ``seen`` is the file that keeps this
    for new readers of the clone, once it is committed.
    """

    tag: str
    store: str
    documents: list[str]
    channel: PublishedChannels
    rebased: Rebased | None
    seen: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the push as plain JSON values."""
        return {
            "documents": self.documents,
            "channel_files": list(self.channel.written),
            "seen": self.seen,
        }


def push_release(
    publication: Publication,
    release: Release,
    registered: Released,
    publish: Callable[[Released], None],
) -> ReleasePushed:
    """Publish a release that git registers as ``registered``, in the publication's turn.

    ``publish`` brings the documents of another registered release into the store. Raises
    SignatureError where too few have signed the releases, ReleaseError for a tag that was moved,
    and for any release that cannot be published whole, and as ``Publication.turn`` and
    ``publish_channels``.
    """
    check_not_moved(registered, release)
    publication.metadata.verified(RELEASES)
    store = publication.store
    with publication.turn():
        check_held(store, release)
        publication.check_before_upload()
        documents = publish_documents(store, release)
        statements = publish_statements(store, publication.metadata, registered)
        documents += [statements] if statements else []
        publication.keep_promises(publish)
        if RELEASES in publication.waiting:
            seen = "Readers see what they saw before."
            raise ReleaseError(publication.waiting[RELEASES], remedy=seen)
        channel, rebased = publication.publish_channels()
    return ReleasePushed(
        tag=release.tag, store=store.url, documents=documents, channel=channel, rebased=rebased
    )
