"""What a view needs below its snapshot, asked for side by side once that has verified.

python-tuf reads one file after another, and so does who holds a view to the log. They find here the
answers that they would get, and verify them in their own order. Sections are those of the TUF
specification, https://theupdateframework.github.io/specification/v1.0.33/.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pe_dvc.documents.channel_log import log_state
from pe_dvc.documents.keys import channel_prefix
from pe_dvc.primitives.errors import FormatError
from pe_dvc.tlog.tiles import right_edge
from pe_dvc.trust.channel_log import StoredLog, tile_limit
from pe_dvc.trust.log_memory import remembered
from pe_dvc.trust.roles import max_length
from pe_dvc.trust.tuf_api import FetcherInterface, LengthOrHashMismatchError, Snapshot
from pe_dvc.trust.verify import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pe_dvc.trust.client_state import LineageState
    from pe_dvc.trust.fetcher import StoreFetcher
    from pe_dvc.trust.tuf_api import MetaFile


class AskingAhead(FetcherInterface):
    """Reads by ``fetcher``; ``roles`` are those that the view is begun for."""

    def __init__(self, fetcher: StoreFetcher, state: LineageState, roles: Sequence[str]) -> None:
        self._fetcher, self._state, self._roles = fetcher, state, roles
        self._is_done = False

    def download_bytes(self, url: str, max_length: int) -> bytes:
        """Read as ``fetcher``; the snapshot has verified before targets is read (5.5, 5.6)."""
        if url.endswith(".targets.json"):
            self.ask()
        return self._fetcher.download_bytes(url, max_length)

    def ask(self) -> None:
        """Ask, once, for what this machine has not verified yet. The state has the snapshot."""
        if self._is_done:
            return
        self._is_done = True
        snapshot = parse(Snapshot, self._state.read("snapshot"), where="snapshot").signed
        files = {
            f"{meta.version}.{role}.json": meta.length or max_length(role)
            for role in ("targets", *self._roles)
            if (meta := snapshot.meta.get(f"{role}.json")) and not self._has(role, meta)
        }
        self._fetcher.ask_ahead(files | self._tiles(snapshot))

    def _has(self, role: str, meta: MetaFile) -> bool:
        try:
            meta.verify_length_and_hashes(self._state.read(role))
        except (OSError, LengthOrHashMismatchError):
            return False
        return True

    def _tiles(self, snapshot: Snapshot) -> dict[str, int]:
        """Return the right edge of the log for a reader who remembers none of it (ADR 0039).

        What says nothing that can be read is refused by who holds the view to the log.
        """
        with suppress(FormatError):
            state = log_state(snapshot.unrecognized_fields, where="snapshot")
            if state is not None and not remembered(self._state.directory):
                country = self._fetcher.country
                log = StoredLog(self._fetcher.store, country, state.number)
                beginning = channel_prefix(country)
                return {
                    log.key(tile).removeprefix(beginning): tile_limit(tile)
                    for tile in right_edge(state.size)
                }
        return {}

    def _fetch(self, url: str) -> Iterator[bytes]:
        raise NotImplementedError
