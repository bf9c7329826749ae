"""Writes signed metadata to a mirror, in the order of a publication: what names comes last.

Every file was verified where it was read. One that a mirror holds with other bytes is replaced;
``timestamp`` is swapped, so that of two syncs none takes the other's newer state back. ADR 0004.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import metadata_key
from pe_dvc.primitives.errors import (
    ConflictError,
    FormatError,
    NotFoundError,
    RollbackError,
    VerificationError,
)
from pe_dvc.primitives.reference import CHANNELS
from pe_dvc.trust.roles import max_length
from pe_dvc.trust.tuf_api import Timestamp
from pe_dvc.usecases.mirror.state import follow_roots

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
        channels, _ = follow_roots(self._mirror, self._country, self._state.roots)
        held, _ = channels.look(channels.root, "timestamp", Timestamp)
        if held is None:
            return 0
        found, ours = held.metadata.signed, self._state.timestamp.metadata.signed
        origin = self._state.channels.where("timestamp")
        if found.version > ours.version:
            raise RollbackError(
                f"{channels.where('timestamp')} has version {found.version}, and {origin} "
                f"{ours.version}: the mirror is ahead of the origin",
                remedy="Nothing was changed. If the origin was restored from an old copy, its "
                "readers refuse it as well: first copy the newer metadata back from the mirror.",
            )
        if found.version == ours.version and found.snapshot_meta != ours.snapshot_meta:
            raise VerificationError(
                f"{channels.where('timestamp')} and {origin} have the same version "
                f"{found.version} and name different snapshots: the keys signed both",
                remedy="Nothing was changed. Keep both files, and treat the keys of timestamp and "
                "snapshot as stolen: docs/runbook-keys.md.",
            )
        return found.version

    def write_first(self) -> None:
        """Write what says what is withdrawn, and what vouches for that: roots, targets, revoked."""
        for number, data in enumerate(self._state.roots, start=1):
            self._put("root", number, data)
        for role in ("targets", "revoked"):
            if role in self._state.roles:
                self._put(role, self._state.versions[role], self._state.roles[role])

    def write_rest(self, earlier: Mapping[tuple[str, int], bytes]) -> None:
        """Write all other files, the snapshot after them, then the timestamp, then the copies."""
        for (role, version), data in sorted(earlier.items()):
            self._put(role, version, data)
        for role, data in sorted(self._state.roles.items()):
            self._put(role, self._state.versions[role], data)
        snapshot = self._state.snapshot
        self._put("snapshot", snapshot.metadata.signed.version, snapshot.data)
        if self.check_not_ahead() < self._state.version:
            self._put("timestamp", None, self._state.timestamp.data)
        for channel in CHANNELS:  # for curl and dashboards: nothing verifies them
            if channel in self._state.roles:
                self._put(channel, None, self._state.roles[channel])

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
        try:
            self._mirror.compare_and_swap(key, data, etag)
        except ConflictError as error:
            raise ConflictError(
                f"another pe-dvc mirror sync writes to {self._mirror.url}: {error.message}",
                remedy="Nothing is lost: run it again when the other is done.",
            ) from None
        self.written.append(key)
