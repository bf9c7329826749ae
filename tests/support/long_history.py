"""A channel of thousands of versions, signed, with their snapshots: as so many pushes leave it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import metadata_key
from pe_dvc.primitives.canonical import readable_json
from pe_dvc.trust.country_and_role import write_country_and_role
from pe_dvc.trust.roles import utc
from pe_dvc.trust.tuf_api import Metadata, MetaFile, Snapshot, TargetFile, Targets, Timestamp
from pe_dvc.trust.verify import expiry_days
from pe_dvc.usecases.channel.next_version import next_version

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.store.port import Store
    from pe_dvc.trust.tuf_api import Root
    from tests.support.signed_channels import SignedChannels


def add_versions(
    signed: SignedChannels,
    store: Store,
    count: int,
    pointers: Callable[[int], Sequence[Pointer]],
    *,
    channel: str = "latest",
) -> None:
    """Publish ``count`` more versions of a channel whose content is ``pointers`` of its version.

    The channels must have been published before. Half a millisecond each in memory.
    """
    metadata = signed.files.read(channel, Targets)
    above, root = signed.metadata.targets.signed, signed.metadata.root.signed
    first = Metadata[Timestamp].from_bytes(_held(store, signed, "timestamp", None))
    number = first.signed.snapshot_meta.version
    snapshot = Metadata[Snapshot].from_bytes(_held(store, signed, "snapshot", number))
    meta, data = dict(snapshot.signed.meta), b""
    for _ in range(count):
        next_version(metadata, above, channel, now=signed.now)
        version = metadata.signed.version
        targets = {p.target_path: p.to_target() for p in pointers(version)}
        metadata.signed.targets = {k: TargetFile.from_dict(v, k) for k, v in targets.items()}
        signed.signers.sign(above, channel, metadata)
        data = readable_json(metadata.to_dict())
        store.create(metadata_key(signed.country, channel, version), data)
        meta[f"{channel}.json"] = MetaFile.from_data(version, data, ["sha256"])
        number += 1
        snapshot = Metadata(
            Snapshot(number, expires=_end(signed, root, "snapshot"), meta=dict(meta))
        )
        write_country_and_role(snapshot.signed, signed.country, "snapshot")
        signed.signers.sign(root, "snapshot", snapshot)
        data = readable_json(snapshot.to_dict())
        store.create(metadata_key(signed.country, "snapshot", number), data)
    named = MetaFile.from_data(number, data, ["sha256"])
    version, end = first.signed.version + count, _end(signed, root, "timestamp")
    last = Timestamp(version, expires=end, snapshot_meta=named)
    timestamp = Metadata(last)
    write_country_and_role(timestamp.signed, signed.country, "timestamp")
    signed.signers.sign(root, "timestamp", timestamp)
    data = readable_json(timestamp.to_dict())
    store.overwrite(metadata_key(signed.country, "timestamp"), data)
    signed.files.write(channel, metadata)


def _end(signed: SignedChannels, root: Root, role: str) -> datetime:
    return utc(signed.now) + timedelta(days=expiry_days(root, role))


def _held(store: Store, signed: SignedChannels, role: str, version: int | None) -> bytes:
    return store.read(metadata_key(signed.country, role, version), limit=1 << 20)[0]
