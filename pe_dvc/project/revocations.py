"""What a country's stewards have withdrawn, as far as this machine knows: all who read ask here.

The signed role ``revoked`` decides, and nothing else that lies in the bucket. ADR 0008.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import (
    EquivocationError,
    ExpiredError,
    NotFoundError,
    PeDvcError,
    RollbackError,
    StoreUnavailableError,
)
from pe_dvc.project import directories
from pe_dvc.project.notes import note_once
from pe_dvc.project.reader_trust import Begun, channels_from, known_root
from pe_dvc.store.disk import READ_ONLY
from pe_dvc.store.several import PASSED_OVER, SeveralStores
from pe_dvc.trust.revoked_note import RevokedNote
from pe_dvc.usecases.revoked import Known, refuse_revoked

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.trust.client import ChannelClient
    from pe_dvc.trust.revoked_note import Noted

FRESH = 60.0
"""Seconds for which what was verified is not asked again: so late a running reader learns."""

Shared = tuple["ChannelClient", float]
"""A client that others made, and when (``time.monotonic``): its view is as old as that."""


class Revocations:
    """What is withdrawn of a country's data, asked again every ``FRESH`` seconds. Thread-safe.

    ``repo`` is a clone of the country's, whose root is trusted where none is pinned. ``shared``
    gives a client that has been made for something else, None if there is none. ``begun`` is what
    the reader begins with that goes on for another one (``believe``).
    """

    def __init__(
        self,
        country: str,
        repo: DataRepo | None,
        store: Callable[[], ReadableStore],
        *,
        offline: bool = False,
        shared: Callable[[], Shared | None] = lambda: None,
        begun: Begun = Begun(),  # noqa: B008 - it does not change
    ) -> None:
        self._country, self._repo, self._store = country, repo, store
        self._offline, self._shared, self._begun = offline, shared, begun
        self._lock = threading.Lock()
        self._known: Known | None = None
        self._looked = -FRESH
        self._ask_anew = False

    def refuse(self, asked: str, *digests: Sha256) -> datetime | None:
        """Raise RevokedError if one of the artifacts, read as ``asked``, was withdrawn.

        Returns when that none was, was verified (UTC), None where it cannot be known here, which
        is noted. Raises as ``ChannelClient.revocations``: a role that is hidden, or old, is no
        empty list.
        """
        noted = self._noted()
        if noted is not None and noted.revoked.isdisjoint(digests):
            return noted.as_of
        known = self.known()
        refuse_revoked(known.revocations, digests, asked=asked)
        return known.as_of

    def known(self) -> Known:
        """Return what is withdrawn. Raises as ``refuse``, but for what is."""
        with self._lock:
            if self._known is None or (
                not self._offline and time.monotonic() - self._looked >= FRESH
            ):
                self._known, self._looked = self._look()
            return self._known

    @property
    def last(self) -> Known | None:
        """What was verified last by this very reader, None if nothing was."""
        return self._known

    def believe(self, known: Known) -> None:
        """Take what this reader verified in another process, for as long as it would there."""
        with self._lock:
            mine = self._known
            if known.as_of is None or (mine and mine.as_of and mine.as_of >= known.as_of):
                return
            age = (datetime.now(UTC) - known.as_of).total_seconds()
            # Clocks of two machines differ: one that is ahead of ours gains no more than that.
            self._known, self._looked = known, time.monotonic() - max(age, 0.0)

    def look_again(self) -> None:
        """Ask the store at the next question, whenever it was asked before."""
        with self._lock:
            self._looked, self._ask_anew = -FRESH, True

    def _noted(self) -> Noted | None:
        """Return what was noted a moment ago; None if nothing was, or if more is known here.

        Channels that were verified for this very read know more.
        """
        if self._known is not None or self._offline or self._ask_anew:
            return None
        if self._made(time.monotonic()) is not None:
            return None
        note = self._note()
        return note.read(max_age=FRESH) if note else None

    def _trusted(self) -> bytes | None:
        return self._begun.root or known_root(self._country, self._repo)

    def _note(self) -> RevokedNote | None:
        root = self._trusted()
        if root is None:
            return None
        return RevokedNote(directories.state_dir(), self._country, self._store().url, root)

    def _look(self) -> tuple[Known, float]:
        """Return what is withdrawn, and when that was true (``time.monotonic``)."""
        began = time.monotonic()
        if self._trusted() is None:
            note_once(
                f"whether data of {self._country} was withdrawn is not checked: no root of trust "
                f"is pinned for {self._country} (pe-dvc trust add {self._country} root.json)"
            )
            return Known(), began
        if self._offline:
            return self._last_verified(), began
        client, since = self._made(began) or (self._client(), began)
        try:
            return self._verified(client), since
        except PASSED_OVER as error:
            if self._known is None or not _is_out_of_reach(self._store(), error):
                raise
            self._check_current(self._known, error)
            note_once(f"{error.message}; what was withdrawn of {self._country} is as known before")
            return self._known, began

    def _check_current(self, known: Known, error: PeDvcError) -> None:
        """Raise ExpiredError once what is known has expired: who hides the role gains no more."""
        if known.expires is not None and known.expires <= datetime.now(UTC):
            raise ExpiredError(
                f"what was withdrawn of {self._country} is known as of {known.as_of:%Y-%m-%d}, "
                f"and that expired on {known.expires:%Y-%m-%d}: {error.message}",
                remedy="Try again once the store answers.",
            ) from error

    def _made(self, now: float) -> Shared | None:
        """Return a client that was made for something else, unless that is too long ago."""
        made = None if self._ask_anew else self._shared()
        return made if made is not None and now - made[1] < FRESH else None

    def _verified(self, client: ChannelClient) -> Known:
        try:
            known = _ask(client)
        except PeDvcError as error:
            cause = error.__cause__
            if not isinstance(cause, OSError) or cause.errno not in READ_ONLY:
                raise
            known = self._ask_in_a_copy()
        if self._known is not None and known.version < self._known.version:
            raise RollbackError(  # state of this machine may lack what was verified elsewhere
                f"what is withdrawn of {self._country} is shown as of version {known.version}, and "
                f"version {self._known.version} was verified before, in {self._store().url}",
                remedy="Someone shows old metadata, or the store is a mirror that is behind.",
            )
        note = self._note()
        if note is not None:
            soon = datetime.now(UTC) + timedelta(seconds=FRESH)
            note.write(known.revocations, known.expires or soon)
        return known

    def _ask_in_a_copy(self) -> Known:
        """Verify from a copy of the state, where that may only be read, as in an image."""
        import shutil

        from pe_dvc.store.scratch import scratch_directory

        with scratch_directory() as scratch:
            channels = directories.state_dir() / "channels"
            for state in (*channels.glob(self._country), *channels.glob(f"{self._country}-*")):
                shutil.copytree(state, scratch / "channels" / state.name)
            return _ask(self._client(scratch))

    def _last_verified(self) -> Known:
        """Return what was withdrawn when the store was last read, and say where that is old."""
        client = self._client()
        try:
            known = _ask(client)
        except NotFoundError:
            note_once(
                f"whether data of {self._country} was withdrawn is not known offline: that was "
                "never read here"
            )
            return Known()
        as_of, expires = client.verified_at(), known.expires
        if expires is not None and expires < datetime.now(UTC):
            note_once(
                f"what was withdrawn of {self._country} is known as of {as_of:%Y-%m-%d}, and that "
                f"expired on {expires:%Y-%m-%d}: read something once online"
            )
        return replace(known, as_of=as_of)

    def _client(self, state_dir: Path | None = None) -> ChannelClient:
        return channels_from(
            self._store(),
            self._country,
            self._repo,
            offline=self._offline,
            state_dir=state_dir,
            begun=self._begun,
        )


def _is_out_of_reach(store: ReadableStore, error: PeDvcError) -> bool:
    """Tell whether the honest store may be one that does not answer.

    A mirror that lies beside it has no more say than one that is silent, too. A fork is no lie.
    """
    if isinstance(error, EquivocationError) or not isinstance(store, SeveralStores):
        return isinstance(error, StoreUnavailableError)
    return any(store.is_unavailable(one) for one in store.stores)


def _ask(client: ChannelClient) -> Known:
    """Return what is withdrawn, verified now."""
    from pe_dvc.primitives.errors import NotPublishedError

    now = datetime.now(UTC)
    try:
        return Known(
            client.revocations(), now, client.revocations_version(), client.revocations_expire()
        )
    except NotPublishedError:  # a country of an older pe_dvc, which never published the role
        return Known(as_of=now)
