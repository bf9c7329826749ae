"""Reading channels by python-tuf: whatever is new, and whatever is not as usual.

Sections are those of the TUF specification, https://theupdateframework.github.io/specification/v1.0.33/.
python-tuf does its client workflow (``trust.refresh``) on what was verified earlier
(``trust.client_state``); what a role signed is then held to be of this country and this role.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, NotPublishedError
from pe_dvc.store.disk import writing_to
from pe_dvc.store.several import stores_of
from pe_dvc.trust.client_state import LineageState
from pe_dvc.trust.fetcher import StoreFetcher, TileReader
from pe_dvc.trust.floor import Floor
from pe_dvc.trust.lineages import find_lineage
from pe_dvc.trust.listed import check_published, listed
from pe_dvc.trust.log_check import LogCheck
from pe_dvc.trust.log_memory import ShownLog
from pe_dvc.trust.offline import LastVerified
from pe_dvc.trust.role_entries import RoleEntries, role_entries
from pe_dvc.trust.sources import Sources, sources_of
from pe_dvc.trust.store_answer import newest_root
from pe_dvc.trust.tuf_errors import TUF_FAILURES, explain, with_root_hint
from pe_dvc.trust.verify import check_one_id_each

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pe_dvc.primitives.errors import PeDvcError
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.trust.client_state import ReaderState
    from pe_dvc.trust.refresh import Refresh
    from pe_dvc.trust.seen import SeenFile
    from pe_dvc.trust.tuf_api import Root, Targets


class TufReader:
    """One view of a country's channels, refreshed once, at the first question.

    ``roots`` are the trusted ones, the last of which counts; ``state`` is where what was verified
    is kept, below ``state_dir``; ``seen`` and ``seen_elsewhere`` are as in ``ChannelClient``.
    """

    def __init__(
        self,
        store: ReadableStore,
        country: str,
        roots: Sequence[bytes],
        state: ReaderState,
        state_dir: Path,
        *,
        seen: Sequence[SeenFile],
        seen_elsewhere: Callable[[], Sequence[SeenFile]],
        offline: bool,
    ) -> None:
        self._store, self._country, self._roots = store, country, roots
        self._state, self._state_dir, self._offline = state, state_dir, offline
        self._sources = sources_of(store, country, state_dir)
        urls = [one.url for one in stores_of(store)]
        self._floor = Floor(country, urls, seen, state_dir, seen_elsewhere)
        self._refresh: Refresh | None = None
        self._fetcher = StoreFetcher(store, country)

    def ask(self) -> None:
        """Ask several stores what they show, while other processes may read. Not under the lock."""
        if self._sources is None or self._refresh is not None:
            return
        with self._state.locked(), writing_to(self._state.directory):
            newest = newest_root(self._lineage.directory, self._roots)
        self._sources.ask(newest)

    def load(self, role: str, shown: Mapping[str, bytes | PeDvcError]) -> RoleEntries:
        """Return what a role signed. Call it under the lock.

        ``shown`` is what the store showed a moment ago, by name. Raises as ``ChannelClient``.
        """
        self._fetcher.shown.update(shown)
        return self._load(role) if self._sources is None else self._load_any(role, self._sources)

    @property
    def shown(self) -> tuple[bytes, bytes] | None:
        """Timestamp and snapshot of the view, or offline of what was verified last; else None."""
        if "last" in self.__dict__:
            return self.last.timestamp, self.last.snapshot
        refresh = self._refresh
        return None if refresh is None else (refresh["timestamp"], refresh["snapshot"])

    @cached_property
    def last(self) -> LastVerified:
        """What was last verified, checked again. Ask under the lock."""
        return LastVerified(self._lineage.directory, self._roots[-1], self._country)

    def load_last(self, role: str) -> RoleEntries:
        """Return what a role had signed when it was last verified. Call it under the lock."""
        return self._entries(role, self.last.role(role))

    def _load_any(self, role: str, sources: Sources) -> RoleEntries:
        """Load the role from the best of several stores, in the view that is begun if there is."""

        def load(fetcher: StoreFetcher, view: Refresh | None = None) -> RoleEntries:
            self._fetcher, self._store, self._refresh = fetcher, fetcher.store, view
            return self._load(role)

        view, fetcher = self._refresh, self._fetcher
        if view is not None:
            return sources.go_on(fetcher, lambda: load(fetcher, view))
        sources.adopt_roots(self._lineage.directory)
        return sources.begin(load)

    def _load(self, role: str) -> RoleEntries:
        """Let tuf load the role, check it, and keep it for offline readers; else begin again."""
        refresh, self._refresh = self._refresh, None
        try:
            refresh = refresh or self._refreshed((role, "revoked"))
            check_published(role, self._country, refresh, self._store.url)
            data = refresh.load(role, f"{self._country}/{role}/any")
            found = listed(role, self._country, data, refresh, self._store.url)
            loaded = self._entries(role, found)
        except FormatError as error:
            raise with_root_hint(error, self._fetcher.last, self._store.url) from None
        except NotPublishedError:
            self._refresh = refresh
            raise
        except TUF_FAILURES as error:
            state = self._lineage.directory
            found_error = explain(error, self._fetcher.last, self._store.url, state)
            raise self._floor.named_in(self._state.named_in(found_error)) from error
        refresh.accept(role)
        self._refresh = refresh
        return loaded

    def _refreshed(self, likely: Sequence[str]) -> Refresh:
        """Begin a view; of a fork there is none, at whatever question."""
        if self._sources is None and not self._fetcher.shown:
            newest = newest_root(self._lineage.directory, self._roots).signed.version
            self._fetcher.ask_where_it_stands(newest + 1)
        refresh = self._floor.begin(self._lineage, self._roots, self._fetcher, likely)
        if self._sources is not None:
            self._sources.check_agree(self._lineage.directory, refresh)
        root = newest_root(self._lineage.directory, self._roots).signed
        for delegator in (root, refresh.targets):
            check_one_id_each(delegator, where=f"{delegator.type} in {self._store.url}")
        self._check_log(refresh, root)
        return refresh

    def _check_log(self, refresh: Refresh, root: Root) -> None:
        """Hold the view to the channel's log (ADR 0039): what it shows, and what stores show."""
        lineage, source = self._lineage.directory, TileReader(self._fetcher)
        check = LogCheck(lineage, self._state_dir, self._country, root, source)
        shown = ShownLog(refresh["timestamp"], refresh["snapshot"], self._store.url)
        others = self._sources.signed_otherwise(root, shown.timestamp) if self._sources else []
        check.accept(shown, others)

    @cached_property
    def _lineage(self) -> LineageState:
        """The state that belongs to the trusted roots. Ask under the lock."""
        fetchers = self._sources.fetchers if self._sources else [self._fetcher]
        downloads = [] if self._offline else [fetcher.root for fetcher in fetchers]
        found = find_lineage(
            self._state.directory, self._roots, country=self._country, downloads=downloads
        )
        return LineageState(found)

    def _entries(self, role: str, metadata: Targets) -> RoleEntries:
        targets = {path: target.to_dict() for path, target in metadata.targets.items()}
        where = f"{role} in {self._store.url}"
        version, expires = metadata.version, metadata.expires
        fields = metadata.unrecognized_fields
        return role_entries(role, self._country, version, expires, targets, fields, where=where)
