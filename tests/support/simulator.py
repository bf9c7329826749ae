"""A data repo, a bucket in memory that counts and can be made to fail, and an attacker's tools."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from pe_dvc.documents.pointed_file import PointedFile
from pe_dvc.documents.pointer import Pointer
from pe_dvc.primitives.canonical import readable_json
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.trust.client import ChannelClient
from pe_dvc.trust.files import ChannelFiles
from pe_dvc.trust.keys import generate_keys, load_key_file
from pe_dvc.trust.tuf_api import CryptoSigner, Metadata, MetaFile, Root, Snapshot, Timestamp
from tests.support.hand_log import go_on
from tests.support.memory_store import MemoryStore
from tests.support.signed_channels import SignedChannels
from tests.support.stores import RecordingStore

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.store.port import ReadableStore
    from pe_dvc.usecases.channel.update import ChannelUpdate
    from pe_dvc.usecases.publish.channel import PublishedChannels

Result = TypeVar("Result")

NOW = datetime.now(UTC).replace(microsecond=0)


class _EveryManifest(dict[Sha256, PointedFile | None]):
    def __contains__(self, manifest: object) -> bool:
        return True

    def __missing__(self, manifest: Sha256) -> None:
        return None


EVERY_MANIFEST = _EveryManifest()
"""What a publication is told to know of the bucket: pointers made here have no manifests."""


def pointer(
    name: str, content: str = "", *, country: str = "us", channel: str = "latest"
) -> Pointer:
    """A pointer to an artifact that consists of ``content``."""
    data = (content or name).encode()
    return Pointer(
        country=country,
        channel=channel,
        name=name,
        sha256=sha256_bytes(data),
        size=len(data),
        manifest_sha256=sha256_bytes(b"manifest of " + data),
    )


def new_store() -> RecordingStore:
    """Return an empty bucket: that of simulators which are given none. Tests may replace this."""
    return RecordingStore.of(MemoryStore())


class Simulator(SignedChannels):
    """A country's data repo with its keys, and the bucket that it publishes to."""

    def __init__(
        self,
        base: Path,
        country: str = "us",
        *,
        thresholds: dict[str, int] | None = None,
        store: RecordingStore | None = None,
        keys_dir: Path | None = None,
    ) -> None:
        super().__init__(base / "repo/channels", keys_dir or base / "keys", country, NOW)
        self.base = base
        self.store = store or new_store()
        self.fingerprint = self.create(thresholds=thresholds)
        self.pinned = self.root
        self._clients = 0

    def copy(self, base: Path) -> Simulator:
        """The same country, keys, bucket and readers, in a directory of its own."""
        shutil.copytree(self.base, base, dirs_exist_ok=True)
        twin = object.__new__(Simulator)
        twin.__dict__.update(self.__dict__)
        SignedChannels.__init__(twin, base / "repo/channels", base / "keys", self.country, self.now)
        twin.base = base
        twin.store = new_store()
        twin.store.restore(self.store.objects)
        return twin

    def clone(self, name: str) -> Simulator:
        """Another checkout of the same repo, with the same keys and the same bucket."""
        twin = object.__new__(Simulator)
        twin.__dict__.update(self.__dict__)
        twin.directory = self.base / name / "channels"
        shutil.copytree(self.directory, twin.directory)
        twin.files = ChannelFiles(twin.directory, self.country)
        return twin

    def update(self, *pointers: Pointer, channel: str = "latest") -> ChannelUpdate:
        return self.point(channel, pointers)

    def publish(self, store: RecordingStore | None = None) -> PublishedChannels:
        return self.publish_to(store or self.store)

    def client(
        self, state: str | None = None, *, store: ReadableStore | None = None
    ) -> ChannelClient:
        """A new process's client; one that names no ``state`` has never seen the bucket."""
        self._clients += 1
        where = self.base / "state" / (state or f"fresh-{self._clients}")
        return ChannelClient(store or self.store, self.country, self.pinned, where, lock_timeout=5)

    def signer(self, role: str) -> CryptoSigner:
        return load_key_file(self.keys_dir / self.country / f"{role}.pem")

    def key(self, name: str) -> str:
        return f"channels/{self.country}/{name}"

    # What an attacker does, with the bucket's credentials and the keys of ``signed_by``.

    def plant(self, name: str, metadata: Metadata[Any], *signed_by: str) -> bytes:
        """Put metadata signed by the keys of these roles into the bucket."""
        metadata.signatures.clear()
        for role in signed_by:
            metadata.sign(self.signer(role), append=True)
        data = readable_json(metadata.to_dict())
        self.store.objects[self.key(name)] = data
        return data

    def held(self, name: str) -> Metadata[Any]:
        return Metadata[Any].from_bytes(self.store.objects[self.key(name)])

    def point_at(
        self, roles: dict[str, bytes], *, snapshot_version: int | None = None, timestamp: int = 1
    ) -> None:
        """Make a snapshot and a timestamp, with the stolen online keys, for these role files."""
        now = self.held("timestamp.json").signed
        snapshot = self.held(f"{now.snapshot_meta.version}.snapshot.json")
        for role, data in roles.items():
            version = json.loads(data)["signed"]["version"]
            snapshot.signed.meta[f"{role}.json"] = MetaFile.from_data(version, data, ["sha256"])
        snapshot.signed.version = snapshot_version or snapshot.signed.version + 1
        stamp = Metadata(
            Timestamp(now.version + timestamp, expires=now.expires, snapshot_meta=now.snapshot_meta)
        )
        go_on(self, snapshot, stamp, before=now.snapshot_meta.version)
        data = self.plant(f"{snapshot.signed.version}.snapshot.json", snapshot, "snapshot")
        promise = MetaFile.from_data(snapshot.signed.version, data, ["sha256"])
        stamp.signed.snapshot_meta = promise
        self.plant("timestamp.json", stamp, "timestamp")

    def rotate(self, *roles: str, by_old_root: bool = True) -> None:
        """Give roles new keys by a new root version; keep the old ones as ``stolen-{role}``.

        The new root is signed by the new root key and, unless told not to, by the old one.
        """
        root = self.files.read("root", Root)
        root_signers = [self.signer("root")] if by_old_root else []
        directory = self.keys_dir / self.country
        (self.base / "stolen").mkdir(exist_ok=True)
        for role in roles:
            for keyid in list(root.signed.roles[role].keyids):
                root.signed.revoke_key(keyid, role)
            (directory / f"{role}.pem").rename(self.base / "stolen" / f"{role}.pem")
            (key,) = generate_keys(self.keys_dir, self.country, {role: 1})[role]
            root.signed.add_key(key, role)
        root.signed.version += 1
        root.signatures.clear()
        for signer in [*root_signers, self.signer("root")]:
            root.sign(signer, append=True)
        self.files.write("root", root)


def days(count: float) -> timedelta:
    return timedelta(days=count)


__all__ = ["EVERY_MANIFEST", "NOW", "Root", "Simulator", "Snapshot", "days", "pointer"]
