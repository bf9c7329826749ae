"""What a reader verified last, read again without the bucket: signatures yes, expiry no.

The checks of signatures and hashes of the TUF specification's client workflow
(https://theupdateframework.github.io/specification/v1.0.33/, 5.3.4, 5.3.5, 5.4.2, 5.5.2, 5.5.3,
5.6.2, 5.6.3) are made again. Those against a freeze attack (5.3.10, 5.4.4, 5.5.6, 5.6.5) cannot
be: whether it is still current is unknown offline, and the age is for the caller to tell.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import DigestMismatchError, NotFoundError, NotPublishedError
from pe_dvc.store.offline import REMEDY
from pe_dvc.store.plain_files import read_document
from pe_dvc.trust.client_state import ACCEPTED, HISTORY
from pe_dvc.trust.log_memory import check_accepted
from pe_dvc.trust.tuf_api import (
    LengthOrHashMismatchError,
    Metadata,
    Root,
    Snapshot,
    Targets,
    Timestamp,
)
from pe_dvc.trust.verify import parse, verify_root_chain, verify_signed_by

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.trust.tuf_api import MetaFile


class LastVerified:
    """What was last accepted whole, in a lineage's ``directory``, checked again from ``pinned``.

    The newest root that this machine has seen decides whose signatures count.
    """

    def __init__(self, directory: Path, pinned: bytes, country: str) -> None:
        """Raise NotFoundError if nothing was verified yet, VerificationError if it was altered."""
        self._history, self._country = directory / HISTORY, country
        self._directory = directory / ACCEPTED
        try:
            self.verified_at = datetime.fromtimestamp(
                (self._directory / "timestamp.json").stat().st_mtime, UTC
            )
        except FileNotFoundError:
            raise NotFoundError(
                f"the channels of {country} were never read from this store, so there is nothing "
                "to answer from offline",
                remedy=REMEDY,
            ) from None
        root = self._root(pinned)
        self.timestamp = self._read("timestamp")
        check_accepted(directory, self.timestamp, country)
        timestamp = parse(Timestamp, self.timestamp, where=self._where("timestamp"))
        verify_signed_by(root, "timestamp", timestamp, where=self._where("timestamp"))
        self.snapshot = self._read_listed("snapshot", timestamp.signed.snapshot_meta)
        snapshot = parse(Snapshot, self.snapshot, where=self._where("snapshot"))
        verify_signed_by(root, "snapshot", snapshot, where=self._where("snapshot"))
        self._meta = snapshot.signed.meta
        self._delegator = self._signed_targets(root, "targets")

    def role(self, role: str) -> Targets:
        """Return a delegated role's metadata.

        Raises NotPublishedError where no version was published then, NotFoundError if none was
        ever read here.
        """
        if f"{role}.json" not in self._meta:
            raise NotPublishedError(f"{role} of {self._country} was not published when last read")
        return self._signed_targets(self._delegator, role)

    def _signed_targets(self, delegator: Root | Targets, role: str) -> Targets:
        data = self._read_listed(role, self._meta[f"{role}.json"])
        metadata: Metadata[Targets] = parse(Targets, data, where=self._where(role))
        verify_signed_by(delegator, role, metadata, where=self._where(role))
        return metadata.signed

    def _read_listed(self, role: str, listed: MetaFile) -> bytes:
        """Return a file that is what the metadata that lists it says (5.5.2, 5.6.2)."""
        data = self._read(role)
        try:
            listed.verify_length_and_hashes(data)
        except LengthOrHashMismatchError as error:
            raise DigestMismatchError(
                what=role,
                expected="what was verified last",
                actual=str(error),
                source=self._where(role),
                remedy=REMEDY,
            ) from error
        return data

    def _root(self, pinned: bytes) -> Root:
        """Return the newest root, by the chain of versions from the pinned one (5.3.4, 5.3.5)."""
        where = self._where("root")
        version = parse(Root, pinned, where=where).signed.version
        chain = [pinned]
        while (later := self._history / f"{version + len(chain)}.root.json").exists():
            chain.append(read_document(later))
        return verify_root_chain(chain, where=where)[-1].signed

    def _read(self, role: str) -> bytes:
        try:
            return read_document(self._directory / f"{role}.json")
        except FileNotFoundError:
            raise NotFoundError(
                f"{role} of {self._country} was never read from this store", remedy=REMEDY
            ) from None

    def _where(self, role: str) -> str:
        return str(self._directory / f"{role}.json")
