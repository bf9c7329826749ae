"""A country whose datasets are published in a store, signed, as ``pe-dvc push`` leaves them."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import chunks_key, manifest_key, payload_key
from pe_dvc.documents.revocation import Revocation
from pe_dvc.primitives.digest import Sha256, chunk_digests
from pe_dvc.primitives.reference import Reference
from pe_dvc.trust.pins import pin_root
from pe_dvc.usecases.channel.keys import KeyRing
from tests.support.environment import own_directories
from tests.support.factories import manifest_of, pointer_to
from tests.support.new_keys import new_key
from tests.support.signed_channels import SignedChannels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pytest

    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.store.port import Store

NAME = "enhanced_cps_2024"
LATEST = f"pe-data://us/{NAME}@latest"


class Country:
    """Publishes into ``store``. ``root`` is the root.json that readers pin."""

    def __init__(
        self,
        directory: Path,
        store: Store,
        *,
        contact: str | None = None,
        mirrors: Sequence[str] = (),
    ) -> None:
        self.directory, self.store = directory, store
        self.signed = SignedChannels(directory / "channels", directory / "keys")
        self.signed.create(contact=contact, mirrors=mirrors)
        self.root = self.signed.root

    def publish(self, payloads: dict[str, bytes], channel: str = "latest") -> list[Manifest]:
        """Make ``payloads``, by name, the whole content of a channel."""
        manifests = [
            manifest_of(data, name=name, path=f"data/{name}.parquet")
            for name, data in payloads.items()
        ]
        for manifest, data in zip(manifests, payloads.values(), strict=True):
            self.write(payload_key("us", manifest.artifact.dvc.md5), data)
            if manifest.artifact.implied_parts is None:
                self.write(chunks_of(manifest), chunk_digests([data]))
            sha256 = Sha256(manifest.artifact.sha256)
            self.write(manifest_key("us", sha256), manifest.to_bytes())
        self.point(channel, manifests)
        return manifests

    def point(self, channel: str, manifests: list[Manifest]) -> None:
        """Let a channel point to artifacts that are in the bucket."""
        self.signed.point(channel, [pointer_to(manifest, channel) for manifest in manifests])
        self.signed.publish_to(self.store)

    def revoke(self, *manifests: Manifest, replacement: Manifest | None = None) -> None:
        """Withdraw artifacts, and none else, by the stewards' signature."""
        revocations = [revocation_of(manifest, replacement) for manifest in manifests]
        self.signed.revoke(*revocations)
        self.signed.publish_to(self.store)

    def write(self, key: str, data: bytes) -> None:
        """Put an object into the bucket, whatever was there: what an attacker does, too."""
        self.store.overwrite(key, data)

    def copy(self, directory: Path, store: Store) -> Country:
        """The same keys and git, publishing into another store: a fork, or a thief."""
        shutil.copytree(self.directory, directory)
        twin = object.__new__(Country)
        twin.directory, twin.store, twin.root = directory, store, self.root
        twin.signed = SignedChannels(directory / "channels", directory / "keys")
        return twin

    def rotate(self, *roles: str) -> None:
        """Replace keys that were stolen."""
        for role in roles:
            signers, keys = self.signed.signers, self.signed.keys_dir
            ring = KeyRing(self.signed.directory, "us", signers, now=self.signed.now)
            ring.rotate(role, new_key(keys, "us", role), stolen=True)

    def trust(self, config_dir: Path) -> None:
        """Pin the root for a reader with that configuration."""
        pin_root(config_dir, "us", self.root)


def revocation_of(manifest: Manifest, replacement: Manifest | None = None) -> Revocation:
    """What the stewards sign to withdraw an artifact."""
    artifact = manifest.artifact
    return Revocation(
        country=artifact.country,
        name=artifact.name,
        sha256=Sha256(artifact.sha256),
        size=artifact.size,
        reason="its licence ended",
        authority="Data Stewards of PolicyEngine",
        revoked=datetime(2026, 11, 26, 12, tzinfo=UTC),
        contact="stewards@example.org",
        replacement=Reference.parse(replacement.reference) if replacement else None,
    )


def chunks_of(manifest: Manifest) -> str:
    """Key of a manifest's chunk list."""
    return chunks_key("us", Sha256(manifest.artifact.sha256))


def payload_of(manifest: Manifest) -> str:
    """Key of a manifest's payload."""
    return payload_key("us", manifest.artifact.dvc.md5)


def reader_at(directory: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Give this process the places of a fresh reader, and return the variables that do."""
    places = own_directories(directory)
    for variable, place in places.items():
        monkeypatch.setenv(variable, place)
    return places


def nothing_is_revoked(asked: str, *digests: Sha256) -> None:
    """What a use case is given to ask where a test is not about withdrawals."""
