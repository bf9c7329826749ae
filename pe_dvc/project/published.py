"""What was published in the bucket, verified from git's first root on."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.usecases.channel.history import ChannelHistory

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.project.reader import Reader
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import Store
    from pe_dvc.usecases.channel.version import Version


class PublishedPointers:
    """The pointers of published versions and releases (``usecases.channel.source.Published``)."""

    def __init__(self, repo: DataRepo, store: Store, reader: Reader) -> None:
        self._repo, self._store, self._reader = repo, store, reader

    @cached_property
    def _history(self) -> ChannelHistory:
        first = self._repo.signed_metadata().root_files[0]
        return ChannelHistory(self._store, self._repo.country, first)

    def versions(self, channel: str) -> Iterable[Version]:
        """Return the versions of a channel that count, newest first."""
        return self._history.counting(channel)

    def released(self, release: str) -> Mapping[str, Pointer]:
        """Return the pointers of a published release."""
        from pe_dvc.usecases.read.resolve_release import released_pointers

        reader = self._reader
        return released_pointers(
            release, reader.channels.releases(), store=reader.store, cache=reader.cache
        )
