"""A country's signed channels in a directory, and the keys of all its roles in another."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pe_dvc.documents.metadata_fields import LOG_FIELD
from pe_dvc.trust.bucket_writer import bucket_of
from pe_dvc.trust.files import ChannelFiles
from pe_dvc.trust.keys import generate_keys
from pe_dvc.trust.roles import ALL
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.trust.signers import Signers
from pe_dvc.trust.tuf_api import Root, TargetFile, Targets
from pe_dvc.usecases.channel.init import init_channels
from pe_dvc.usecases.channel.next_version import next_version
from pe_dvc.usecases.channel.update import ChannelUpdate, update_channel
from pe_dvc.usecases.publish.channel import PublishedChannels, publish_channels
from pe_dvc.usecases.publish.publisher import Publisher

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.store.port import Store


class SignedChannels:
    """What maintainers do with channels, by the use cases. ``now`` stops the clock for them."""

    def __init__(
        self, directory: Path, keys_dir: Path, country: str = "us", now: datetime | None = None
    ) -> None:
        self.directory, self.keys_dir, self.country = directory, keys_dir, country
        self._stopped = now
        self.signers = Signers(country, keys_dir, environ={})
        self.files = ChannelFiles(directory, country)

    @property
    def now(self) -> datetime:
        return self._stopped or datetime.now(UTC)

    @now.setter
    def now(self, moment: datetime) -> None:
        self._stopped = moment

    def create(
        self,
        *,
        thresholds: Mapping[str, int] | None = None,
        contact: str | None = None,
        mirrors: Sequence[str] = (),
    ) -> str:
        """Make as many keys for each role as must sign, and the first metadata; as ``init``.

        Returns the fingerprint of the root.
        """
        counts = {role: (thresholds or {}).get(role, 1) for role in ALL}
        fingerprint = init_channels(
            self.directory,
            self.country,
            generate_keys(self.keys_dir, self.country, counts),
            self.signers,
            now=self.now,
            thresholds=thresholds,
            contact=contact,
            mirrors=mirrors,
        )
        assert fingerprint is not None, "all keys are here"
        return fingerprint

    @property
    def metadata(self) -> SignedMetadata:
        """The signed metadata in git, read anew."""
        return SignedMetadata(self.files)

    @property
    def publisher(self) -> Publisher:
        """Who publishes now with all keys, from a git that saw nothing."""
        return Publisher(self.signers, now=self.now)

    @property
    def root(self) -> bytes:
        """The root.json that readers pin."""
        return self.files.read_bytes("root")

    def point(
        self, channel: str, pointers: Iterable[Pointer], *, bins: bool | None = None
    ) -> ChannelUpdate:
        """Sign pointers as the whole content of a channel."""
        return update_channel(
            self.directory,
            self.country,
            channel,
            [*pointers],
            self.signers,
            now=self.now,
            bins=bins,
        )

    def begin_new_log(self, number: int = 2) -> None:
        """Sign a root that begins another log of what is published (ADR 0039)."""
        root = self.files.read("root", Root)
        root.signed.version += 1
        root.signed.unrecognized_fields[LOG_FIELD] = {"number": number}
        self.signers.sign(root.signed, "root", root)
        self.files.write("root", root)

    def revoke(self, *revocations: Revocation) -> None:
        """Sign these as all that the data stewards have withdrawn."""
        metadata = self.files.read("revoked", Targets)
        delegator = self.metadata.targets.signed
        next_version(metadata, delegator, "revoked", now=self.now)
        metadata.signed.targets = {
            one.target_path: TargetFile.from_dict(one.to_target(), one.target_path)
            for one in revocations
        }
        self.signers.sign(delegator, "revoked", metadata)
        self.files.write("revoked", metadata)

    def publish_to(self, store: Store) -> PublishedChannels:
        return publish_channels(bucket_of(store, self.metadata), self.metadata, self.publisher)
