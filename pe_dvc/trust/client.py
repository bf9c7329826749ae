"""A reader of channels: python-tuf's client over a store, with pe_dvc's errors and a lock.

Sections are those of the TUF specification, https://theupdateframework.github.io/specification/v1.0.33/.
python-tuf does its client workflow (5.1 to 5.6); the state is the trusted metadata that the
workflow persists, which a rollback is measured against (5.3.8, 5.4.5, 5.5.7, 5.6.6).
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.pointer import Pointer, check_channel, pointers_of
from pe_dvc.documents.release_target import releases_of
from pe_dvc.primitives.errors import FormatError, PeDvcError, ReleaseError, VerificationError
from pe_dvc.primitives.names import check_country, check_name
from pe_dvc.store.disk import writing_to
from pe_dvc.trust.client_state import ReaderState
from pe_dvc.trust.fetcher import StoreFetcher
from pe_dvc.trust.roles import MAX_LENGTH
from pe_dvc.trust.tuf_api import Snapshot, Targets, Updater, UpdaterConfig
from pe_dvc.trust.tuf_errors import TUF_FAILURES, explain
from pe_dvc.trust.verify import TAMPERED, fingerprint, parse, verify_root_chain, verify_signed_by

if TYPE_CHECKING:
    from datetime import datetime

    from pe_dvc.documents.release_target import Released
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.trust.offline import LastVerified

log = logging.getLogger(__name__)

LOCK_TIMEOUT = 60.0
"""Seconds to wait for another process that reads the same channels."""


@dataclass(frozen=True)
class _Role:
    version: int
    expires: datetime
    entries: dict[str, Any]


class ChannelClient:
    """The verified channels of one country, as they were when first asked for.

    One client is one consistent view: the metadata is refreshed once, at the first question.
    ``root`` is the pinned root.json, ``state_dir`` where clients keep what they have verified,
    each country, store and root apart. With ``offline`` the answers come from there, however old
    they are: ``verified_at`` tells.

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
        lock_timeout: float = LOCK_TIMEOUT,
        offline: bool = False,
    ) -> None:
        self.country = check_country(country)
        self._store = store
        self._root = root
        verify_root_chain([root], where=f"the pinned root of {country}")
        store_id = hashlib.sha256(store.url.encode()).hexdigest()[:16]
        name = f"{country}-{store_id}-{fingerprint(root)[:16]}"
        self._state = ReaderState(state_dir / "channels" / name, lock_timeout)
        self._offline = offline
        self._last_verified: LastVerified | None = None
        self._work = Path()
        self._updater: Updater | None = None
        self._fetcher = StoreFetcher(store, country)
        self._roles: dict[str, _Role] = {}

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
        return self._last().verified_at

    def releases(self) -> dict[str, Released]:
        """Return every published release, by tag. Raises as ``lookup`` does."""
        return dict(self._role("releases").entries)

    def _pointers(self, channel: str) -> dict[str, Pointer]:
        entries: dict[str, Pointer] = self._role(check_channel(channel)).entries
        return entries

    def _role(self, role: str) -> _Role:
        if role not in self._roles:
            with self._state.locked():
                if self._offline:
                    self._roles[role] = self._loaded(role, self._last().role(role))
                else:
                    with writing_to(self._state.directory):
                        self._roles[role] = self._load_and_keep(role)
            self._log(role)
        return self._roles[role]

    def _load_and_keep(self, role: str) -> _Role:
        try:
            loaded = self._load(role)
        except PeDvcError:
            if self._work != Path():
                self._state.keep_roots(self._work)
            raise
        self._state.keep(self._work)
        return loaded

    def _log(self, role: str) -> None:
        found, how = self._roles[role], "verified earlier" if self._offline else "verified"
        day = f"{found.expires:%Y-%m-%d}"
        log.info("%s %s version %d %s, expires %s", self.country, role, found.version, how, day)

    def _load(self, role: str) -> _Role:
        """Let tuf load the role (5.6.7), then read the file that it has kept."""
        updater, self._updater = self._updater, None  # after a failure, start from the state
        try:
            updater = updater or self._refreshed()
            updater.get_targetinfo(f"{self.country}/{role}/any")
            metadata = self._kept(role)
        except TUF_FAILURES as error:
            raise explain(error, self._fetcher.last, self._store.url, self._work) from error
        loaded = self._loaded(role, metadata)
        self._updater = updater
        return loaded

    def _last(self) -> LastVerified:
        from pe_dvc.trust.offline import LastVerified

        if self._last_verified is None:
            self._last_verified = LastVerified(self._state.directory, self._root, self.country)
        return self._last_verified

    def _loaded(self, role: str, metadata: Targets) -> _Role:
        targets = {path: target.to_dict() for path, target in metadata.targets.items()}
        return _Role(metadata.version, metadata.expires, self._checked(role, targets))

    def _kept(self, channel: str) -> Targets:
        """Return the role's metadata as tuf has kept it, if it did: a delegation may be gone.

        Then the file would be an earlier refresh's, so it must be what today's snapshot names
        (5.6.2), signed by the keys that today's targets delegates to (5.6.3).
        """
        snapshot = parse(Snapshot, self._read("snapshot"), where="snapshot").signed
        delegator = parse(Targets, self._read("targets"), where="targets").signed
        listed = snapshot.meta.get(f"{channel}.json")
        if listed is None or not _delegates(delegator, channel, self.country):
            raise VerificationError(
                f"targets in {self._store.url} does not delegate {self.country}/{channel}/…: this "
                "is another country's metadata, or a channel that was removed",
                remedy=TAMPERED,
            )
        data = self._read(channel)
        listed.verify_length_and_hashes(data)
        metadata = parse(Targets, data, where=channel)
        verify_signed_by(delegator, channel, metadata, where=channel)
        return metadata.signed

    def _read(self, role: str) -> bytes:
        return (self._work / f"{role}.json").read_bytes()

    def _checked(self, role: str, targets: dict[str, dict[str, object]]) -> dict[str, Any]:
        """Read a role's targets; that they are signed does not make them this role's."""
        where = f"{role} in {self._store.url}"
        try:
            if role == "releases":
                return dict(releases_of(targets, country=self.country, where=where))
            return dict(pointers_of(targets, country=self.country, channel=role, where=where))
        except (FormatError, ReleaseError) as error:
            raise VerificationError(error.message, remedy=TAMPERED) from error

    def _refreshed(self) -> Updater:
        """Let tuf verify all that is above the channels, in a fresh copy of the state.

        Root, timestamp, snapshot and targets, in that order (5.3 to 5.6), each of bounded length
        (5.3.3, 5.4.1, 5.5.1, 5.6.1).
        """
        self._work = Path(tempfile.mkdtemp(prefix="pe-dvc-channels-"))
        weakref.finalize(self, shutil.rmtree, self._work, ignore_errors=True)
        self._state.copy_to(self._work)
        updater = Updater(
            metadata_dir=str(self._work),
            metadata_base_url="/",
            fetcher=self._fetcher,
            config=UpdaterConfig(
                root_max_length=MAX_LENGTH["root"],
                timestamp_max_length=MAX_LENGTH["timestamp"],
                snapshot_max_length=MAX_LENGTH["snapshot"],
                targets_max_length=MAX_LENGTH["targets"],
            ),
            bootstrap=self._root,
        )
        updater.refresh()
        return updater


def _delegates(delegator: Targets, channel: str, country: str) -> bool:
    roles = (delegator.delegations and delegator.delegations.roles) or {}
    return channel in roles and roles[channel].is_delegated_path(f"{country}/{channel}/any")
