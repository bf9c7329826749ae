"""Writes signed metadata to a mirror, in the order of a publication: what names comes last.

Every file was verified where it was read. One that a mirror holds with other bytes is replaced;
``timestamp`` is swapped, so that of two syncs none takes the other's newer state back. ADR 0004.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import metadata_key
from pe_dvc.primitives.errors import (
    ConflictError,
    FormatError,
    NotFoundError,
    RollbackError,
    VerificationError,
)
from pe_dvc.primitives.pools import Pool
from pe_dvc.primitives.reference import CHANNELS
from pe_dvc.store.together import together
from pe_dvc.trust.roles import max_length
from pe_dvc.trust.tuf_api import Timestamp
from pe_dvc.usecases.mirror.bins import BinsCopier
from pe_dvc.usecases.mirror.log_copy import copy_checkpoint, copy_log
from pe_dvc.usecases.mirror.state import follow_roots
from pe_dvc.usecases.parallel import TRANSFERS, run_all

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pe_dvc.store.port import Store
    from pe_dvc.usecases.mirror.state import SignedState


class MetadataWriter:
    """Writes the metadata of ``state`` to ``mirror``; ``written`` are the keys so far."""

    def __init__(self, mirror: Store, country: str, state: SignedState) -> None:
        self._mirror, self._country, self._state = mirror, country, state
        self.written: list[str] = []

    def check_not_ahead(self) -> int:
        """Return the version of the mirror's timestamp, 0 without one that keys vouch for.

        Raises RollbackError for a mirror that is ahead of the origin, VerificationError for one
        that shows another state under the same version.
        """
        version, _ = self._seen()
        if version > self._state.version:
            raise RollbackError(
                f"{self._there} has version {version}, and {self._here} {self._state.version}: "
                "the mirror is ahead of the origin",
                remedy="Nothing was changed. If the origin was restored from an old copy, its "
                "readers refuse it as well: pe-dvc mirror restore NAME brings back the newer.",
            )
        return version

    def _seen(self) -> tuple[int, str | None]:
        """Return the version of the mirror's timestamp, and the etag of its object."""
        channels, _ = follow_roots(self._mirror, self._country, self._state.roots)
        held, etag = channels.look(channels.root, "timestamp", Timestamp)
        if held is None:
            return 0, etag
        found, ours = held.metadata.signed, self._state.timestamp.metadata.signed
        if found.version == ours.version and found.snapshot_meta != ours.snapshot_meta:
            raise VerificationError(
                f"{self._there} and {self._here} have the same version {found.version} and name "
                "different snapshots: the keys signed both",
                remedy="Nothing was changed. Keep both files, and treat the keys of timestamp and "
                "snapshot as stolen: docs/runbook-keys.md.",
            )
        return found.version, etag

    @property
    def _there(self) -> str:
        return f"{self._mirror.url}/{metadata_key(self._country, 'timestamp')}"

    @property
    def _here(self) -> str:
        return self._state.channels.where("timestamp")

    def write_first(self) -> None:
        """Write what says what is withdrawn, and what vouches for that: roots, targets, revoked."""
        for number, data in enumerate(self._state.roots, start=1):
            self._put("root", number, data)
        for role in ("targets", "revoked"):
            if role in self._state.roles:
                self._put(role, self._state.versions[role], self._state.roles[role])

    def write_rest(self, earlier: Mapping[tuple[str, int], bytes]) -> None:
        """Write all other files, the snapshot after them, its log, the timestamp, the copies."""
        self._copy_bins(earlier)
        today = {(r, self._state.versions[r]): data for r, data in self._state.roles.items()}
        with Pool(TRANSFERS) as pool:
            run_all(
                pool, lambda one: self._put(*one[0], one[1]), sorted({**earlier, **today}.items())
            )
        snapshot = self._state.snapshot
        self._put("snapshot", snapshot.metadata.signed.version, snapshot.data)
        self.written += copy_log(self._state, self._mirror)
        self._move_timestamp()
        self.written += copy_checkpoint(self._state, self._mirror)
        # For curl and dashboards: nothing verifies them.
        copies = [
            (role, None, self._state.roles[role]) for role in CHANNELS if role in self._state.roles
        ]
        together(self._mirror, *(partial(self._put, *one) for one in copies))

    def _copy_bins(self, earlier: Mapping[tuple[str, int], bytes]) -> None:
        channels = self._state.channels
        copier = BinsCopier(channels.store, self._mirror, self._country)
        today = [data for role, data in self._state.roles.items() if role in CHANNELS]
        before = [data for (role, _), data in earlier.items() if role in CHANNELS]
        self.written += copier.copy(today, today=True) + copier.copy(before, today=False)

    def _move_timestamp(self) -> None:
        """Swap the timestamp that was seen to be older, and no other: never set a mirror back."""
        version, etag = self._seen()
        if version > self._state.version:
            raise self._overtaken(f"{self._there} has version {version} by now")
        if version < self._state.version:
            key = metadata_key(self._country, "timestamp")
            self._swap(key, self._state.timestamp.data, etag)

    def _put(self, role: str, version: int | None, data: bytes) -> None:
        key = metadata_key(self._country, role, version)
        etag: str | None = None
        try:
            held, info = self._mirror.read(key, limit=max_length(role))
            if held == data:
                return
            etag = info.etag
        except NotFoundError:
            pass
        except FormatError:  # longer than any metadata
            etag = self._mirror.head(key).etag
        self._swap(key, data, etag)

    def _swap(self, key: str, data: bytes, etag: str | None) -> None:
        try:
            self._mirror.compare_and_swap(key, data, etag)
        except ConflictError as error:
            if not self._holds(key, data):
                raise self._overtaken(error.message) from None
        else:
            self.written.append(key)

    def _holds(self, key: str, data: bytes) -> bool:
        """Tell whether another sync wrote the same."""
        try:
            return self._mirror.read(key, limit=len(data))[0] == data
        except (NotFoundError, FormatError):
            return False

    def _overtaken(self, why: str) -> ConflictError:
        return ConflictError(
            f"another pe-dvc mirror sync writes to {self._mirror.url}: {why}",
            remedy="Nothing is lost: run it again when the other is done.",
        )
