"""The state that a store shows its readers: signed metadata, verified, from root to timestamp."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import (
    FormatError,
    NotFoundError,
    SignatureError,
    VerificationError,
)
from pe_dvc.primitives.pools import Pool
from pe_dvc.trust.bucket import ReadableChannels
from pe_dvc.trust.bucket_head import read_head
from pe_dvc.trust.roles import TAMPERED
from pe_dvc.trust.stored_metadata import snapshot_meta
from pe_dvc.trust.tuf_api import Metadata, Root, Snapshot, Targets
from pe_dvc.trust.verify import check_root_chain, parse, signatures, verify_signed_by
from pe_dvc.usecases.parallel import TRANSFERS, run_all
from pe_dvc.usecases.revoke.withdrawn import ROLE, Withdrawn, withdrawn_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pe_dvc.store.port import ReadableStore
    from pe_dvc.trust.stored_metadata import SnapshotMeta, StoredMetadata
    from pe_dvc.trust.tuf_api import Timestamp


@dataclass(frozen=True, kw_only=True)
class SignedState:
    """What the timestamp of a store leads to. ``roots`` are the files of the chain, oldest first.

    ``roles`` are the files that the snapshot names, by role; ``trusted`` the metadata of those
    which today's keys signed: readers are refused the others.
    """

    channels: ReadableChannels
    roots: tuple[bytes, ...]
    timestamp: StoredMetadata[Timestamp]
    snapshot: StoredMetadata[Snapshot]
    roles: dict[str, bytes]
    trusted: dict[str, Targets]

    @property
    def version(self) -> int:
        """The version of the timestamp: the higher, the newer the state."""
        return self.timestamp.metadata.signed.version

    @property
    def expires(self) -> datetime:
        """When readers refuse it (UTC)."""
        return self.timestamp.metadata.signed.expires

    @property
    def meta(self) -> SnapshotMeta:
        """What the snapshot says of each role."""
        return snapshot_meta(self.snapshot)

    @property
    def withdrawn(self) -> Withdrawn:
        """What the signed role withdraws. Raises FormatError if an entry is malformed.

        Raises VerificationError for a role that the snapshot names and today's stewards did not
        sign: it is not known then what is withdrawn.
        """
        if ROLE not in self.meta:
            return Withdrawn()
        role, where = self.trusted.get(ROLE), self.channels.where(ROLE, self.meta[ROLE].version)
        if role is None:
            raise VerificationError(
                f"{where}, which readers are shown, is not signed by today's data stewards",
                remedy=TAMPERED,
            )
        return withdrawn_of(role, country=self.channels.country, where=where)

    @property
    def versions(self) -> dict[str, int]:
        """The version of each role."""
        return {role: meta.version for role, meta in sorted(self.meta.items())}


def read_state(store: ReadableStore, country: str, known: Sequence[bytes]) -> SignedState:
    """Return the state that a store shows, verified by the roots in git (``known``).

    Newer roots of the store are followed as readers follow them. Raises NotFoundError for a store
    that has no state, VerificationError for one that today's keys did not sign, StoreError.
    """
    channels, roots = follow_roots(store, country, known)
    head = read_head(channels)
    if head.timestamp is None:
        where = channels.where("timestamp")
        if head.etag is None:
            raise NotFoundError(f"{where} does not exist: nothing of {country} is published there")
        raise SignatureError(f"{where} is not signed by the keys of this repo's root")
    if head.snapshot is None:
        raise SignatureError(
            f"{channels.where('snapshot', head.last)} is not what the timestamp there names"
        )
    names = sorted(head.meta)
    with Pool(TRANSFERS) as pool:
        read = run_all(pool, lambda role: channels.read_named(role, head.meta[role]), names)
    held = dict(zip(names, read, strict=True))
    return SignedState(
        channels=channels,
        roots=tuple(roots),
        timestamp=head.timestamp,
        snapshot=head.snapshot,
        roles={role: one.data for role, one in held.items()},
        trusted=_trusted(channels, {role: one.metadata for role, one in held.items()}),
    )


def follow_roots(
    store: ReadableStore, country: str, known: Sequence[bytes]
) -> tuple[ReadableChannels, list[bytes]]:
    """Return the channels of a store by the newest root that ``known`` lead to, and the chain.

    What is in the place of a next root, and is none, is passed over, as by readers.
    """
    files = [*known]
    chain = [parse(Root, data, where="root in git") for data in files]
    check_root_chain(chain, where="root in git")
    bucket = ReadableChannels(store, country, [one.signed for one in chain])
    while True:
        held = bucket.signed(chain[-1].signed, "root", Root, chain[-1].signed.version + 1)
        if held is None or not signatures(held.metadata.signed, "root", held.metadata):
            break
        chain.append(held.metadata)
        files.append(held.data)
    return ReadableChannels(store, country, [one.signed for one in chain]), files


def _trusted(channels: ReadableChannels, roles: dict[str, Metadata[Targets]]) -> dict[str, Targets]:
    found: dict[str, Targets] = {}
    targets = roles.get("targets")
    if targets is None:
        raise VerificationError(f"the snapshot of {channels.store.url} names no targets metadata")
    verify_signed_by(channels.root, "targets", targets, where=channels.where("targets"))
    found["targets"] = targets.signed
    for role, metadata in roles.items():
        with suppress(FormatError):  # of a role that targets delegates to no more
            if role != "targets" and signatures(targets.signed, role, metadata):
                found[role] = metadata.signed
    return found
