"""A data repo, a bucket in memory that counts and can be made to fail, and an attacker's tools."""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from pe_dvc.documents.pointer import Pointer
from pe_dvc.primitives.canonical import readable_json
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import ConflictError, FormatError, NotFoundError
from pe_dvc.store.port import ObjectInfo, Progress
from pe_dvc.trust.client import ChannelClient
from pe_dvc.trust.files import ChannelFiles
from pe_dvc.trust.keys import generate_keys, load_key_file
from pe_dvc.trust.roles import ALL
from pe_dvc.trust.signers import Signers
from pe_dvc.trust.tuf_api import CryptoSigner, Metadata, MetaFile, Root, Snapshot, Timestamp
from pe_dvc.usecases.channel.roles import ChannelUpdate, init_channels, update_channel
from pe_dvc.usecases.publish.channel import Published, publish_channel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, MutableMapping
    from pathlib import Path

Result = TypeVar("Result")

NOW = datetime.now(UTC).replace(microsecond=0)


class Killed(BaseException):
    """The process died: nothing may catch this."""


class MemoryStore:
    """A dictionary that keeps the Store port's promises, counts operations and fails on demand.

    ``before`` and ``after`` are called around each operation with its number and name.
    """

    objects: MutableMapping[str, bytes]

    def __init__(self, url: str = "memory://simulator") -> None:
        self.url = url
        self.objects = {}
        self.log: list[tuple[str, str]] = []
        self.before: Callable[[int, str, str], None] = lambda number, operation, key: None
        self.after: Callable[[int, str, str], None] = lambda number, operation, key: None

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [(op, key) for op, key in self.log if op in {"create", "swap", "overwrite"}]

    def _do(self, operation: str, key: str, work: Callable[[], Result]) -> Result:
        number = len(self.log)
        self.log.append((operation, key))
        self.before(number, operation, key)
        try:
            return work()
        finally:
            self.after(number, operation, key)

    def _info(self, key: str) -> ObjectInfo:
        if key not in self.objects:
            raise NotFoundError(f"{self.url}/{key} does not exist")
        data = self.objects[key]
        return ObjectInfo(key=key, size=len(data), etag=hashlib.md5(data).hexdigest())

    def _put(self, key: str, data: bytes) -> ObjectInfo:
        self.objects[key] = data
        return self._info(key)

    def head(self, key: str) -> ObjectInfo:
        return self._do("head", key, lambda: self._info(key))

    def read(self, key: str, *, limit: int) -> tuple[bytes, ObjectInfo]:
        def work() -> tuple[bytes, ObjectInfo]:
            info = self._info(key)
            if info.size > limit:
                raise FormatError(f"more than {limit} bytes", where=key)
            return self.objects[key], info

        return self._do("read", key, work)

    def create(self, key: str, data: bytes) -> ObjectInfo:
        def work() -> ObjectInfo:
            if key in self.objects:
                raise ConflictError(f"{key} exists")
            return self._put(key, data)

        return self._do("create", key, work)

    def compare_and_swap(self, key: str, data: bytes, etag: str | None) -> ObjectInfo:
        def work() -> ObjectInfo:
            current = self._info(key).etag if key in self.objects else None
            if current != etag:
                raise ConflictError(f"{key} has changed")
            return self._put(key, data)

        return self._do("swap", key, work)

    def overwrite(self, key: str, data: bytes) -> ObjectInfo:
        return self._do("overwrite", key, lambda: self._put(key, data))

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        keys = self._do(
            "list", prefix, lambda: sorted(k for k in self.objects if k.startswith(prefix))
        )
        yield from (self._info(key) for key in keys)

    def read_range(self, key: str, start: int, length: int) -> bytes:
        raise AssertionError("channels are not read in ranges")

    def upload(
        self,
        key: str,
        path: Path,
        *,
        sha256: Sha256 | None = None,
        progress: Progress | None = None,
    ) -> Sha256:
        raise AssertionError("channels are not uploaded as files")

    def download(
        self, key: str, path: Path, *, size: int, progress: Progress | None = None
    ) -> Sha256:
        raise AssertionError("channels are not downloaded as files")

    def delete(self, keys: Iterable[str]) -> None:
        raise AssertionError("nothing of a channel is ever deleted")


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


def new_store() -> MemoryStore:
    """Return an empty bucket: that of simulators which are given none. Tests may replace this."""
    return MemoryStore()


class Simulator:
    """A country's data repo with its keys, and the bucket that it publishes to."""

    def __init__(
        self,
        base: Path,
        country: str = "us",
        *,
        thresholds: dict[str, int] | None = None,
        store: MemoryStore | None = None,
        keys_dir: Path | None = None,
    ) -> None:
        self.base, self.country = base, country
        self.directory = base / "repo" / "channels"
        self.keys_dir = keys_dir or base / "keys"
        self.store = store or new_store()
        self.signers = Signers(country, self.keys_dir, environ={})
        self.now = NOW
        thresholds = thresholds or {}
        keys = generate_keys(
            self.keys_dir, country, {role: thresholds.get(role, 1) for role in ALL}
        )
        self.fingerprint = init_channels(
            self.directory, country, keys, self.signers, now=NOW, thresholds=thresholds
        )
        self.files = ChannelFiles(self.directory, country)
        self.pinned = self.files.read_bytes("root")
        self._clients = 0

    def copy(self, base: Path) -> Simulator:
        """The same country, keys, bucket and readers, in a directory of its own."""
        shutil.copytree(self.base, base, dirs_exist_ok=True)
        twin = object.__new__(Simulator)
        twin.__dict__.update(self.__dict__)
        twin.base, twin.directory, twin.keys_dir = base, base / "repo" / "channels", base / "keys"
        twin.store = new_store()
        twin.store.objects = dict(self.store.objects)
        twin.signers = Signers(self.country, twin.keys_dir, environ={})
        twin.files = ChannelFiles(twin.directory, self.country)
        return twin

    def update(self, *pointers: Pointer, channel: str = "latest") -> ChannelUpdate:
        return update_channel(
            self.directory, self.country, channel, pointers, self.signers, now=self.now
        )

    def publish(self, store: MemoryStore | None = None) -> Published:
        return publish_channel(
            store or self.store, self.directory, self.country, self.signers, now=self.now
        )

    def client(self, state: str | None = None) -> ChannelClient:
        """A new process's client; one that names no ``state`` has never seen the bucket."""
        self._clients += 1
        where = self.base / "state" / (state or f"fresh-{self._clients}")
        return ChannelClient(self.store, self.country, self.pinned, where, lock_timeout=5)

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
        data = self.plant(f"{snapshot.signed.version}.snapshot.json", snapshot, "snapshot")
        promise = MetaFile.from_data(snapshot.signed.version, data, ["sha256"])
        stamp = Timestamp(now.version + timestamp, expires=now.expires, snapshot_meta=promise)
        self.plant("timestamp.json", Metadata(stamp), "timestamp")

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


__all__ = ["NOW", "Killed", "MemoryStore", "Root", "Simulator", "Snapshot", "days", "pointer"]
