"""A reader of channels: what they say now, verified, as one consistent view.

There are two ways. If the store shows that nothing has changed, the files that were kept here are
verified again (``trust.unchanged``). In all other cases python-tuf does its client workflow
(``trust.tuf_reader``), which takes longer to load.
"""

from __future__ import annotations

import logging
import threading
from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.documents.pointer import Pointer, check_channel
from pe_dvc.primitives.names import check_country, check_name
from pe_dvc.store.disk import writing_to
from pe_dvc.store.several import SeveralStores, stores_of
from pe_dvc.trust.client_state import ReaderState
from pe_dvc.trust.country_and_role import check_country_and_role_of_file
from pe_dvc.trust.role_entries import RoleEntries, role_entries
from pe_dvc.trust.unchanged import Unchanged, is_plain_root

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from pe_dvc.documents.release_target import Released
    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.trust.bin_reader import BinReader
    from pe_dvc.trust.seen import SeenFile
    from pe_dvc.trust.tuf_reader import TufReader

log = logging.getLogger(__name__)

LOCK_TIMEOUT = 60.0
"""Seconds to wait for another process that reads the same channels."""


class ChannelClient:
    """The verified channels of one country, as they were when first asked for.

    One client is one consistent view: the metadata is refreshed once, at the first question.

    - ``root`` is the pinned root.json, ``earlier`` the roots before it, as far as they are known: a
      clone has them.
    - ``state_dir`` is where clients keep what they have verified, separately for each country,
      bucket and lineage of roots. With ``offline`` all answers come from there; ``verified_at``
      tells how old they are.
    - ``seen`` is what others saw published: the floor, below which nothing is accepted.
      ``seen_elsewhere`` returns more of it. That takes longer, so it is called only by a reader
      that has seen nothing yet.
    - ``related`` names stores that share what they have shown (``ReaderState``).

    In terms of TUF, ``root`` is what is shipped with the client (5.2). A target is a pointer of a
    delegated role. It is looked up only in the role that ``targets`` delegates it to (5.6.7). The
    target file (5.7) is the artifact, which ``usecases.read.fetch`` verifies.
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
        self._store, self._state_dir = store, state_dir
        self._seen, self._seen_elsewhere = seen, seen_elsewhere
        self._roots = [*earlier, root]
        self._check_roots()
        urls = [one.url for one in stores_of(store)]
        self._state = ReaderState(state_dir, country, urls, lock_timeout, related)
        self._offline = offline
        self._roles: dict[str, RoleEntries] = {}
        self._lock = threading.Lock()

    def _check_roots(self) -> None:
        where = f"the pinned root of {self.country}"
        for data in self._roots:
            check_country_and_role_of_file(data, self.country, "root", where=where)
        if len(self._roots) > 1 or not is_plain_root(self._roots[-1], self.country):
            from pe_dvc.trust.verify import verify_root_chain

            verify_root_chain(self._roots, where=where)

    @property
    def was_asked(self) -> bool:
        """Whether it was asked something and has a verified view."""
        return bool(self._roles)

    @property
    def shown(self) -> tuple[bytes, bytes] | None:
        """Timestamp and snapshot of its view, verified; None before there is one."""
        if "_tuf" in self.__dict__ and (shown := self._tuf.shown) is not None:
            return shown
        return self._unchanged.files if "_unchanged" in self.__dict__ else None

    def lookup(self, channel: str, name: str) -> Pointer | None:
        """Return a dataset's pointer, None if the channel does not have that dataset.

        Raises VerificationError, or a family below it, for anything that was not signed;
        NotFoundError if the store has no channels of the country; StoreError.
        """
        check_name(name)
        role = self._role(check_channel(channel))
        if role.bins is not None:
            return self._bins.lookup(channel, name, role.bins)
        found: Pointer | None = role.entries.get(name)
        return found

    def pointers(self, channel: str) -> list[Pointer]:
        """Return every pointer of a channel, by name. Raises as ``lookup`` does."""
        role = self._role(check_channel(channel))
        if role.bins is not None:
            return self._bins.pointers(channel, role.bins)
        return list(role.entries.values())

    def channel_version(self, channel: str) -> int:
        """Return the version of a channel's metadata. Raises as ``lookup`` does."""
        return self._role(check_channel(channel)).version

    def channel_expires(self, channel: str) -> datetime:
        """Return when a channel's metadata expires (UTC). Raises as ``lookup`` does."""
        return self._role(check_channel(channel)).expires

    def verified_at(self) -> datetime:
        """Return when the store's state was last verified (UTC). Raises NotFoundError if never."""
        with self._state.read():
            return self._tuf.last.verified_at

    def last_seen(self) -> tuple[bytes, bytes]:
        """Return timestamp and snapshot as last verified. Raises NotFoundError if never."""
        with self._state.read():
            return self._tuf.last.timestamp, self._tuf.last.snapshot

    def releases(self) -> dict[str, Released]:
        """Return every published release, by tag. Raises as ``lookup`` does."""
        return dict(self._role("releases").entries)

    def revocations(self) -> dict[Sha256, Revocation]:
        """Return every revoked artifact, by sha256. Tombstones in the bucket are not asked.

        Raises NotPublishedError in a country whose role ``revoked`` was never published, and
        otherwise as ``lookup``: hidden, old or unsigned metadata does not count as an empty list.
        """
        entries: dict[Sha256, Revocation] = self._role("revoked").entries
        return dict(entries)

    def revocations_version(self) -> int:
        """Return the version of ``revocations``. Raises as they do."""
        return self._role("revoked").version

    def revocations_expire(self) -> datetime:
        """Return until when ``revocations`` are current (UTC). Raises as they do."""
        return self._role("revoked").expires

    def _role(self, role: str) -> RoleEntries:
        with self._lock:
            if role not in self._roles:
                self._roles[role] = self._first(role)
                self._log(role)
            return self._roles[role]

    def _first(self, role: str) -> RoleEntries:
        if self._offline:
            with self._state.read():
                return self._tuf.load_last(role)
        if isinstance(self._store, SeveralStores):
            self._tuf.ask()
        with self._state.locked(), writing_to(self._state.directory):
            return self._unchanged_role(role) or self._tuf.load(role, self._unchanged.shown)

    def _unchanged_role(self, role: str) -> RoleEntries | None:
        """Return what a role signed if nothing has changed, None if python-tuf must read it."""
        if isinstance(self._store, SeveralStores) or len(self._roots) > 1:
            return None
        found = self._unchanged.load(role)
        if found is None:
            return None
        where = f"{role} in {self._store.url}"
        version, expires, targets = found.version, found.expires, found.fields["targets"]
        return role_entries(
            role, self.country, version, expires, targets, found.fields, where=where
        )

    @cached_property
    def _bins(self) -> BinReader:
        from pe_dvc.trust.bin_reader import BinReader  # most channels have no bins

        return BinReader(self._store, self.country, self._state_dir, offline=self._offline)

    @cached_property
    def _unchanged(self) -> Unchanged:
        directory = self._state.directory
        return Unchanged(self._store, self.country, self._roots[-1], directory, self._seen)

    @cached_property
    def _tuf(self) -> TufReader:
        from pe_dvc.trust.tuf_reader import TufReader

        return TufReader(
            self._store,
            self.country,
            self._roots,
            self._state,
            self._state_dir,
            seen=self._seen,
            seen_elsewhere=self._seen_elsewhere,
            offline=self._offline,
        )

    def _log(self, role: str) -> None:
        found, how = self._roles[role], "verified earlier" if self._offline else "verified"
        day = f"{found.expires:%Y-%m-%d}"
        log.info("%s %s version %d %s, expires %s", self.country, role, found.version, how, day)
