"""A published data repo and an empty mirror: both directories, then both buckets of one server."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.documents.mirrors import Selection
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.project.mirror_place import server_copy
from pe_dvc.project.repo import DataRepo
from pe_dvc.project.stores import open_store
from pe_dvc.usecases.mirror.sync import Sync
from pe_dvc.usecases.mirror.verify import verify_mirror
from tests.support.country import Country, chunks_of, reader_at, revocation_of
from tests.support.signed_repo import HandMadeRepo

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.store.port import Store
    from pe_dvc.usecases.mirror.sync import Synced
    from pe_dvc.usecases.mirror.verify import MirrorCheck
    from tests.support.servers import S3Endpoint
    from tests.support.signed_repo import Researcher

ALL = Selection()
LARGE = b"large " * 400_000
"""More than is copied by one request."""
LATEST = {"cps_2024": b"the first", "enhanced_cps_2024": LARGE}
"""What is published at first."""


@dataclass
class Pair:
    """A repo, the store that it pushes to, and a mirror of that."""

    base: Path
    repo: HandMadeRepo
    origin: Store
    mirror: Store

    def publish(self, **contents: bytes) -> None:
        for name, content in contents.items():
            self.repo.build(name, content)
        self.repo.update_latest()
        self.repo.push(self.origin)

    def sync(self, selection: Selection = ALL, **options: Any) -> Synced:
        options.setdefault("server", server_copy(self.origin, self.mirror))
        one = Sync(self.origin, self.mirror, "us", self._roots, name="m")
        return one.run(selection, **options)

    def verify(self, selection: Selection = ALL, **options: Any) -> MirrorCheck:
        options.setdefault("now", datetime.now(UTC))
        return verify_mirror(
            self.mirror,
            "us",
            self._roots,
            selection,
            name="m",
            origin=self.origin,
            **options,
        )

    @property
    def _roots(self) -> list[bytes]:
        return DataRepo(self.repo.root).signed_metadata().root_files

    def reader(self, name: str = "new") -> Researcher:
        """Return a reader of the mirror."""
        return self.repo.reader(self.mirror, self.base / "readers" / name)

    def contents(self, store: Store) -> dict[str, bytes]:
        """Return all objects of a store, but for what a mirror says of itself."""
        found = [*store.list("us/"), *store.list("channels/us/")]
        return {
            info.key: store.read(info.key, limit=10**8)[0]
            for info in found
            if info.key != "us/mirror.json"
        }


@pytest.fixture(params=["directory", "moto", "ministack"])
def pair(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    stores: list[Store]
    if request.param == "directory":
        stores = [LocalStore(tmp_path / "origin"), LocalStore(tmp_path / "mirror")]
    else:
        server: S3Endpoint = request.getfixturevalue(f"{request.param}_server")
        urls = [f"s3://{server.new_bucket()}", f"s3://{server.new_bucket()}/copies/pe"]
        stores = [open_store(url, options=server.options) for url in urls]
    repo = HandMadeRepo(tmp_path / "repo", tmp_path / "keys")
    monkeypatch.setenv("PE_DVC_KEYS_DIR", str(tmp_path / "keys"))
    monkeypatch.setenv("PE_DVC_STATE_DIR", str(tmp_path / "state"))
    repo.create("cps_2024", "enhanced_cps_2024")
    made = Pair(tmp_path, repo, *stores)
    made.publish(cps_2024=b"the first", enhanced_cps_2024=LARGE)
    return made


class Mirrored(Country):
    """A country with a mirror, and with lists of single chunks, as earlier versions wrote them."""

    def publish(self, payloads: dict[str, bytes], channel: str = "latest") -> list[Manifest]:
        manifests = super().publish(payloads, channel)
        for manifest in manifests:
            self.write(chunks_of(manifest), bytes.fromhex(manifest.artifact.sha256))
        return manifests

    def revoke(self, *manifests: Manifest, replacement: Manifest | None = None) -> None:
        """Withdraw artifacts as ``pe-dvc revoke`` does, which names their bytes as well."""
        self.signed.revoke(
            *(
                replace(
                    revocation_of(manifest, replacement),
                    dvc_md5=manifest.artifact.dvc.md5,
                    manifest_sha256=sha256_bytes(manifest.to_bytes()),
                )
                for manifest in manifests
            )
        )
        self.signed.publish_to(self.store)

    def sync_to(self, pair: Pair, selection: Selection = ALL) -> Synced:
        roots = self.signed.metadata.root_files
        return Sync(pair.origin, pair.mirror, "us", roots, name="lab").run(selection)


@pytest.fixture
def mirrored(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mirrored:
    """A country of other channels in the same stores, emptied, and a reader of its mirror."""
    for prefix in ("us/", "channels/us/"):
        pair.origin.delete([info.key for info in pair.origin.list(prefix)])
    made = Mirrored(tmp_path / "maintainer", pair.origin)
    reader_at(tmp_path / "reader", monkeypatch)
    made.trust(tmp_path / "reader/config")
    monkeypatch.setattr("pe_dvc.project.reader_stores.open_store", lambda *_, **__: pair.mirror)
    return made
