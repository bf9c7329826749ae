"""The newest versions of a channel: as many requests for ten thousand versions as for ten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.store.port import ObjectInfo
from pe_dvc.usecases.channel.history import ChannelHistory

if TYPE_CHECKING:
    from pe_dvc.store.port import ReadableStore

TARGETS_ASKED_FOR_MAX = 64
"""Up to so many versions of targets each is asked for by its number; more are listed."""


class RecentHistory(ChannelHistory):
    """The ``last`` versions of each channel, up to the one that readers see.

    They are asked for by their numbers, and nothing is listed: neither what came before them nor
    what else lies beside them is told of. Where readers see nothing, all versions are.
    """

    def __init__(self, store: ReadableStore, country: str, pinned: bytes, *, last: int) -> None:
        super().__init__(store, country, pinned)
        self._last = last

    def _held(self, channel: str) -> tuple[dict[int, ObjectInfo], dict[int, bytes | None]]:
        seen = self.head.meta.get(channel)
        if seen is None:
            return super()._held(channel)
        self._first = max(1, seen.version - self._last + 1)
        return self._asked(channel, range(self._first, seen.version + 1))

    def _files(self, channel: str) -> dict[int, ObjectInfo]:
        named = self.head.meta.get(channel)
        if channel != "targets" or named is None or named.version > TARGETS_ASKED_FOR_MAX:
            return super()._files(channel)
        return self._asked(channel, range(1, named.version + 1))[0]

    def _asked(
        self, role: str, numbers: range
    ) -> tuple[dict[int, ObjectInfo], dict[int, bytes | None]]:
        read = zip(numbers, self._read_all(role, numbers), strict=True)
        held = {number: data for number, data in read if data is not None}
        infos = {
            number: ObjectInfo(key=self.bucket.key(role, number), size=len(data), etag="")
            for number, data in held.items()
        }
        return infos, dict(held)
