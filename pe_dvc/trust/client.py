"""A reader of channels: python-tuf's client over a store, with pe_dvc's errors and a lock.

Sections are those of the TUF specification, https://theupdateframework.github.io/specification/v1.0.33/.
python-tuf does its client workflow (``trust.refresh``) on what was verified earlier
(``trust.client_state``); what a role signed is then held to be of this country and this role.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.pointer import Pointer, check_channel, pointers_of
from pe_dvc.documents.release_target import releases_of
from pe_dvc.documents.revocation import revocations_of
from pe_dvc.primitives.errors import (
    FormatError,
    NotPublishedError,
    ReleaseError,
    VerificationError,
)
from pe_dvc.primitives.names import check_country, check_name
from pe_dvc.store.disk import writing_to
from pe_dvc.store.several import stores_of
from pe_dvc.trust.client_state import LineageState, ReaderState
from pe_dvc.trust.fetcher import StoreFetcher
from pe_dvc.trust.floor import Floor
from pe_dvc.trust.lineages import find_lineage
from pe_dvc.trust.listed import check_published, listed
from pe_dvc.trust.meant_for import check_meant_for
from pe_dvc.trust.shown import newest_root
from pe_dvc.trust.sources import Sources, sources_of
from pe_dvc.trust.tuf_errors import TUF_FAILURES, explain, with_root_hint
from pe_dvc.trust.verify import TAMPERED, verify_root_chain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from pe_dvc.documents.release_target import Released
    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.trust.offline import LastVerified
    from pe_dvc.trust.refresh import Refresh
    from pe_dvc.trust.seen import SeenFile
    from pe_dvc.trust.tuf_api import Targets

log = logging.getLogger(__name__)

LOCK_TIMEOUT = 60.0
"""Seconds to wait for another process that reads the same channels."""


@dataclass(frozen=True)
class _Role:
    version: int
    expires: datetime
    entries: dict[Any, Any]


class ChannelClient:
    """The verified channels of one country, as they were when first asked for.

    One client is one consistent view: the metadata is refreshed once, at the first question.
    ``root`` is the pinned root.json, ``earlier`` the roots that come before it, as far as they
    are known: a clone has them; ``seen`` what others saw published, below which nothing counts,
    ``seen_elsewhere`` more of it, which takes longer to find and is asked for by who saw nothing;
    ``related`` the names of stores that share what they have shown (``ReaderState``).
    ``state_dir`` is where clients keep what they have verified, each country, bucket and lineage of
    roots apart. With ``offline`` the answers come from there: ``verified_at`` tells how old.

    TUF: ``root`` is what is shipped with the client (5.2). A target is a pointer of a delegated
    role; it is looked up in the one role that may speak for it, of the delegations of ``targets``
    (5.6.7). The target file (5.7) is the artifact, which ``usecases.read.fetch`` verifies.
    """

    def __init__(
        self,
        store: ReadableStore,
        country: str,
        root: bytes,
        state_dir: Path,
        *,
        earlier: Sequence[bytes] = (),
        seen: Sequence[SeenFile] = (),
        seen_elsewhere: Callable[[], Sequence[SeenFile]] = tuple,
        related: Sequence[str] = (),
        lock_timeout: float = LOCK_TIMEOUT,
        offline: bool = False,
    ) -> None:
        self.country = check_country(country)
        self._sources = sources_of(store, self.country, state_dir)
        self._store = store
        self._roots = [*earlier, root]
        for data in self._roots:
            check_meant_for(data, country, "root", where=f"the pinned root of {country}")
        verify_root_chain(self._roots, where=f"the pinned root of {country}")
        urls = [one.url for one in stores_of(store)]
        self._state = ReaderState(state_dir, country, urls, lock_timeout, related)
        self._floor = Floor(country, urls, seen, state_dir, seen_elsewhere)
        self._offline = offline
        self._refresh: Refresh | None = None
        self._fetcher = StoreFetcher(store, country)
        self._roles: dict[str, _Role] = {}
        self._lock = threading.Lock()

    @property
    def was_asked(self) -> bool:
        """Whether it has verified something, and has a view."""
        return bool(self._roles)

    def lookup(self, channel: str, name: str) -> Pointer | None:
        """Return a dataset's pointer, None if the channel does not have that dataset.

        Raises VerificationError, with the family that fits, for anything that is not what was
        signed; NotFoundError if the store has no channels of the country; StoreError.
        """
        check_name(name)
        return self._pointers(channel).get(name)

    def pointers(self, channel: str) -> list[Pointer]:
        """Return every pointer of a channel, by name. Raises as ``lookup`` does."""
        return list(self._pointers(channel).values())

    def channel_version(self, channel: str) -> int:
        """Return the version of a channel's metadata. Raises as ``lookup`` does."""
        return self._role(check_channel(channel)).version

    def channel_expires(self, channel: str) -> datetime:
        """Return when a channel's metadata expires (UTC). Raises as ``lookup`` does."""
        return self._role(check_channel(channel)).expires

    def verified_at(self) -> datetime:
        """Return when the store's state was last verified (UTC). Raises NotFoundError if never."""
        with self._state.read():
            return self._last.verified_at

    def last_seen(self) -> tuple[bytes, bytes]:
        """Return timestamp and snapshot as last verified. Raises NotFoundError if never."""
        with self._state.read():
            return self._last.timestamp, self._last.snapshot

    def releases(self) -> dict[str, Released]:
        """Return every published release, by tag. Raises as ``lookup`` does."""
        return dict(self._role("releases").entries)

    def revocations(self) -> dict[Sha256, Revocation]:
        """Return every withdrawn artifact, by sha256; a tombstone in the bucket says nothing.

        Raises NotPublishedError in a country whose role ``revoked`` was never published, and
        otherwise as ``lookup``: metadata that is hidden, old or not signed is no empty list.
        """
        entries: dict[Sha256, Revocation] = self._role("revoked").entries
        return dict(entries)

    def revocations_version(self) -> int:
        """Return the version of ``revocations``. Raises as they do."""
        return self._role("revoked").version

    def revocations_expire(self) -> datetime:
        """Return until when ``revocations`` are current (UTC). Raises as they do."""
        return self._role("revoked").expires

    def _pointers(self, channel: str) -> dict[str, Pointer]:
        entries: dict[str, Pointer] = self._role(check_channel(channel)).entries
        return entries

    def _role(self, role: str) -> _Role:
        with self._lock:
            if role not in self._roles:
                self._roles[role] = self._first(role)
                self._log(role)
            return self._roles[role]

    def _first(self, role: str) -> _Role:
        if self._offline:
            with self._state.read():
                return self._loaded(role, self._last.role(role))
        if self._sources is not None and self._refresh is None:
            self._ask(self._sources)
        with self._state.locked(), writing_to(self._state.directory):
            return (
                self._load(role) if self._sources is None else self._load_any(role, self._sources)
            )

    def _log(self, role: str) -> None:
        found, how = self._roles[role], "verified earlier" if self._offline else "verified"
        day = f"{found.expires:%Y-%m-%d}"
        log.info("%s %s version %d %s, expires %s", self.country, role, found.version, how, day)

    def _load_any(self, role: str, sources: Sources) -> _Role:
        """Load the role from the best of several stores, in the view that is begun if there is."""

        def load(fetcher: StoreFetcher, view: Refresh | None = None) -> _Role:
            self._fetcher, self._store, self._refresh = fetcher, fetcher.store, view
            return self._load(role)

        view, fetcher = self._refresh, self._fetcher
        if view is not None:
            return sources.go_on(fetcher, lambda: load(fetcher, view))
        sources.adopt_roots(self._lineage.directory)
        return sources.begin(load)

    def _ask(self, sources: Sources) -> None:
        """Ask several stores what they show, while other processes may read."""
        with self._state.locked(), writing_to(self._state.directory):
            newest = newest_root(self._lineage.directory, self._roots)
        sources.ask(newest)

    def _load(self, role: str) -> _Role:
        """Let tuf load the role, check it, and keep it for offline readers; else begin again."""
        refresh, self._refresh = self._refresh, None
        try:
            refresh = refresh or self._refreshed()
            check_published(role, self.country, refresh, self._store.url)
            data = refresh.load(role, f"{self.country}/{role}/any")
            loaded = self._loaded(role, listed(role, self.country, data, refresh, self._store.url))
        except FormatError as error:
            raise with_root_hint(error, self._fetcher.last, self._store.url) from None
        except NotPublishedError:
            self._refresh = refresh
            raise
        except TUF_FAILURES as error:
            state = self._lineage.directory
            found = explain(error, self._fetcher.last, self._store.url, state)
            raise self._floor.named_in(self._state.named_in(found)) from error
        refresh.accept(role)
        self._refresh = refresh
        return loaded

    def _refreshed(self) -> Refresh:
        """Begin a view; of a fork there is none, at whatever question."""
        refresh = self._floor.begin(self._lineage, self._roots, self._fetcher)
        if self._sources is not None:
            self._sources.check_agree(self._lineage.directory, refresh)
        return refresh

    @cached_property
    def _lineage(self) -> LineageState:
        """The state that belongs to the trusted roots. Ask under the lock."""
        fetchers = self._sources.fetchers if self._sources else [self._fetcher]
        downloads = [] if self._offline else [fetcher.root for fetcher in fetchers]
        found = find_lineage(
            self._state.directory, self._roots, country=self.country, downloads=downloads
        )
        return LineageState(found)

    @cached_property
    def _last(self) -> LastVerified:
        """What was last verified, checked again. Ask under the lock."""
        from pe_dvc.trust.offline import LastVerified

        return LastVerified(self._lineage.directory, self._roots[-1], self.country)

    def _loaded(self, role: str, metadata: Targets) -> _Role:
        targets = {path: target.to_dict() for path, target in metadata.targets.items()}
        return _Role(metadata.version, metadata.expires, self._checked(role, targets))

    def _checked(self, role: str, targets: dict[str, dict[str, object]]) -> dict[Any, Any]:
        """Read a role's targets; that they are signed does not make them this role's."""
        where = f"{role} in {self._store.url}"
        try:
            if role == "releases":
                return dict(releases_of(targets, country=self.country, where=where))
            if role == "revoked":
                return {**revocations_of(targets, country=self.country, where=where)}
            return dict(pointers_of(targets, country=self.country, channel=role, where=where))
        except (FormatError, ReleaseError) as error:
            raise VerificationError(error.message, remedy=TAMPERED) from error
