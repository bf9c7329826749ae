"""A thief of signing keys who can write to the bucket, and the recovery from that."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.primitives.canonical import readable_json
from pe_dvc.trust.bucket import ReadableChannels
from pe_dvc.trust.keys import load_key_file
from pe_dvc.trust.signers import Signers
from pe_dvc.trust.tuf_api import (
    Metadata,
    MetaFile,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from pe_dvc.usecases.channel.key_edits import Recovery, StolenKeys
from pe_dvc.usecases.channel.keys import KeyRing
from tests.support.hand_log import go_on
from tests.support.new_keys import new_key
from tests.support.simulator import NOW, Simulator
from tests.support.stores import RecordingStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pe_dvc.documents.pointer import Pointer

ONLINE = ("latest", "snapshot", "timestamp")
HUGE = 10**19


class DirectoryObjects(MutableMapping[str, bytes]):
    """The files below a directory, read and written past pe_dvc."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __getitem__(self, key: str) -> bytes:
        try:
            return (self._directory / key).read_bytes()
        except OSError:
            raise KeyError(key) from None

    def __setitem__(self, key: str, data: bytes) -> None:
        path = self._directory / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(data)

    def __delitem__(self, key: str) -> None:
        (self._directory / key).unlink()

    def __iter__(self) -> Iterator[str]:
        files = (path for path in self._directory.rglob("*") if path.is_file())
        names = (path.relative_to(self._directory).as_posix() for path in files)
        return (name for name in names if not name.startswith("."))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def directory_bucket(directory: Path) -> RecordingStore:
    """Return pe_dvc's own store of a directory, with the back door that attackers have."""
    return RecordingStore(LocalStore(directory), DirectoryObjects(directory))


class Thief:
    """Has copies of the keys of some roles, as they were, and the bucket's credentials."""

    def __init__(self, sim: Simulator, *roles: str) -> None:
        self._keys = sim.base / "loot"
        shutil.copytree(sim.keys_dir, self._keys, dirs_exist_ok=True)
        for path in (self._keys / sim.country).glob("*.pem"):
            if path.name.partition(".")[0].partition("-")[0] not in (roles or ONLINE):
                path.unlink()
        self._sim, self.objects = sim, sim.store.objects

    def sign(self, role: str, metadata: Metadata[Any]) -> bytes:
        """Sign as a role, if its key was stolen."""
        metadata.signatures.clear()
        for path in sorted((self._keys / self._sim.country).glob(f"{role}*.pem")):
            metadata.sign(load_key_file(path), append=True)
        return readable_json(metadata.to_dict())

    def put(self, name: str, data: bytes) -> None:
        self.objects[self._sim.key(name)] = data

    def channel(self, version: int, *pointers: Pointer, role: str = "latest") -> bytes:
        """Put a version of a channel into the bucket, and return its bytes."""
        metadata = self._sim.files.read(role, Targets)
        metadata.signed.version = version
        metadata.signed.unrecognized_fields.clear()
        metadata.signed.targets = {
            p.target_path: TargetFile.from_dict(p.to_target(), p.target_path) for p in pointers
        }
        data = self.sign(role, metadata)
        self.put(f"{version}.{role}.json", data)
        return data

    def publish(
        self, version: int, *pointers: Pointer, role: str = "latest", online: int | None = None
    ) -> None:
        """Let readers see a version, by a snapshot and a timestamp of version ``online``."""
        data = self.channel(version, *pointers, role=role)
        stamp = self._sim.held("timestamp.json").signed
        snapshot: Metadata[Snapshot] = self._sim.held(
            f"{stamp.snapshot_meta.version}.snapshot.json"
        )
        snapshot.signed.meta[f"{role}.json"] = MetaFile.from_data(version, data, ["sha256"])
        snapshot.signed.version = online or snapshot.signed.version + 1
        new = Metadata(
            Timestamp(
                online or stamp.version + 1,
                expires=stamp.expires,
                snapshot_meta=stamp.snapshot_meta,
            )
        )
        go_on(self._sim, snapshot, new, before=stamp.snapshot_meta.version)
        signed = self.sign("snapshot", snapshot)
        self.put(f"{snapshot.signed.version}.snapshot.json", signed)
        promise = MetaFile.from_data(snapshot.signed.version, signed, ["sha256"])
        new.signed.snapshot_meta = promise
        self.put("timestamp.json", self.sign("timestamp", new))

    def squat(self, count: int, *pointers: Pointer) -> None:
        """Take so many of the next versions' names, and some that are absurd."""
        taken = set(self.objects)
        for number in range(4, 4 + count):
            if self._sim.key(f"{number}.latest.json") not in taken:
                self.channel(number, *pointers)
        garbage = [f"{number}.snapshot.json" for number in (*range(3, 3 + count), HUGE)]
        garbage += [f"2.{role}.json" for role in ("root", "targets", "next", "releases")]
        for name in (*garbage, f"{HUGE}.latest.json"):
            if self._sim.key(name) not in taken:
                self.put(name, b"\x00 garbage")


def recover(
    sim: Simulator, roles: Sequence[str] = ONLINE, *, reads_bucket: bool = True
) -> Recovery:
    """Do what ``pe-dvc channel recover`` does, and leave the stolen key files behind."""
    roots = [root.signed for root in sim.metadata.roots]
    taken = list(ReadableChannels(sim.store, sim.country, roots).files()) if reads_bucket else []
    signers = Signers(sim.country, sim.keys_dir, environ={})
    ring = KeyRing(sim.directory, sim.country, signers, now=NOW, taken=taken)
    stolen = [
        StolenKeys(
            role=role,
            keyids=ring.keyids(role),
            keys=[new_key(sim.keys_dir, sim.country, role) for _ in ring.keyids(role)],
        )
        for role in roles
    ]
    return ring.recover(stolen)
