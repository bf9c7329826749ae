"""The history of a channel, as the bucket's versioned files tell it, verified version by version.

Versioned files are never deleted. A version counts if enough keys signed it that were its role's
at the time: those of the targets metadata that stood then, which a root that stood then vouches
for. Neither may go back to an earlier one from one version to the next.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.pointer import Pointer, check_channel, pointers_of
from pe_dvc.primitives.errors import (
    NotFoundError,
    SignatureError,
    VerificationError,
)
from pe_dvc.trust.ancestry import plain
from pe_dvc.trust.bucket import ReadableChannels
from pe_dvc.trust.bucket_head import read_head
from pe_dvc.trust.roles import SIGNER_FIELD
from pe_dvc.trust.tuf_api import Metadata, Root, Targets
from pe_dvc.trust.verify import TAMPERED, expiry_days, parse, signatures, verify_root_chain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pe_dvc.store.port import ReadableStore

METADATA_READS_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of a channel. ``signed_at`` follows from its expiry; ``pointers`` by name.

    ``signers`` are the keys that signed it validly: the URI of a KMS or HSM, else the key's id.
    """

    channel: str
    version: int
    signed_at: datetime
    expires: datetime
    signers: tuple[str, ...]
    pointers: dict[str, Pointer]
    data: bytes


class ChannelHistory:
    """Reads the versions of a country's channels. ``pinned`` is the root that is trusted."""

    def __init__(self, store: ReadableStore, country: str, pinned: bytes) -> None:
        self._store, self._country, self._pinned = store, country, pinned

    def newest(self, channel: str) -> int:
        """Return the version that readers see. Raises NotFoundError, VerificationError."""
        return self._versions.get(check_channel(channel), 0)

    def version(self, channel: str, number: int) -> Version:
        """Return one version, verified. Raises NotFoundError, VerificationError."""
        data = self._bucket.read(check_channel(channel), Targets, number).data
        return self._verified(channel, number, data, self._delegators)[0]

    def versions(self, channel: str) -> Iterator[Version]:
        """Yield every version, oldest first.

        Raises VerificationError at the first break: a version that is missing, that says it is
        another, or that was not validly signed at its time.
        """
        numbers = range(1, self.newest(channel) + 1)
        delegators: Sequence[Targets] = self._delegators
        for number, data in zip(numbers, self._read_all(channel, numbers), strict=True):
            if data is None:
                raise VerificationError(
                    f"{self._bucket.where(channel, number)} is missing",
                    remedy="Restore it from git, where it was committed: versioned files are "
                    "never deleted. It may never have been pushed.",
                )
            version, delegators = self._verified(channel, number, data, delegators)
            yield version

    def _verified(
        self, channel: str, number: int, data: bytes, delegators: Sequence[Targets]
    ) -> tuple[Version, Sequence[Targets]]:
        """Return a version and the delegators that may vouch for those after it."""
        where = self._bucket.where(channel, number)
        metadata = parse(Targets, data, where=where)
        _check_number(metadata, number, where)
        for position, delegator in enumerate(delegators):
            result = signatures(delegator, channel, metadata)
            if result:
                days = timedelta(days=expiry_days(delegator, channel))
                version = Version(
                    channel=channel,
                    version=number,
                    signed_at=metadata.signed.expires - days,
                    expires=metadata.signed.expires,
                    signers=tuple(_signer(keyid, key) for keyid, key in result.signed.items()),
                    pointers=pointers_of(
                        plain(metadata.signed), country=self._country, channel=channel, where=where
                    ),
                    data=data,
                )
                return version, delegators[position:]
        raise SignatureError(
            f"{where}: {channel} version {number} does not have the signatures that any targets "
            f"metadata of {self._country} asked for at its time",
            remedy=TAMPERED,
        )

    @cached_property
    def _roots(self) -> list[Root]:
        where = f"roots of {self._country} in {self._store.url}"
        pinned = parse(Root, self._pinned, where="the trusted root").signed.version
        found: list[bytes] = []
        bucket = ReadableChannels(self._store, self._country, [])
        try:
            while True:
                found.append(bucket.read("root", Root, len(found) + 1).data)
        except NotFoundError:
            if len(found) < pinned:
                raise
        if found[pinned - 1] != self._pinned:
            raise VerificationError(
                f"{bucket.where('root', pinned)} is not the root that is trusted", remedy=TAMPERED
            )
        return [root.signed for root in verify_root_chain(found, where=where)]

    @cached_property
    def _bucket(self) -> ReadableChannels:
        return ReadableChannels(self._store, self._country, self._roots)

    @cached_property
    def _versions(self) -> dict[str, int]:
        head = read_head(self._bucket)
        if head.snapshot is None:
            raise NotFoundError(f"{self._store.url} has no channels of {self._country}")
        return head.versions

    @cached_property
    def _delegators(self) -> list[Targets]:
        """Every targets metadata that was published, each vouched for by a root of its time."""
        numbers = range(1, self._versions["targets"] + 1)
        found, roots = [], self._roots
        for number, data in zip(numbers, self._read_all("targets", numbers), strict=True):
            if data is None:
                continue
            where = self._bucket.where("targets", number)
            metadata = parse(Targets, data, where=where)
            _check_number(metadata, number, where)
            vouching = [i for i, root in enumerate(roots) if signatures(root, "targets", metadata)]
            if not vouching:
                raise SignatureError(
                    f"{where}: not signed by the keys of any root of its time", remedy=TAMPERED
                )
            roots = roots[vouching[0] :]
            found.append(metadata.signed)
        return found

    def _read_all(self, role: str, numbers: Sequence[int]) -> list[bytes | None]:
        self._bucket  # noqa: B018 - once, before there are threads
        with ThreadPoolExecutor(METADATA_READS_AT_ONCE) as pool:
            return list(pool.map(lambda number: self._read(role, number), numbers))

    def _read(self, role: str, number: int) -> bytes | None:
        try:
            return self._bucket.read(role, Targets, number).data
        except NotFoundError:
            return None


def _check_number(metadata: Metadata[Targets], number: int, where: str) -> None:
    if metadata.signed.version != number:
        raise VerificationError(
            f"{where} says that it is version {metadata.signed.version}", remedy=TAMPERED
        )


def _signer(keyid: str, key: Any) -> str:
    uri = key.unrecognized_fields.get(SIGNER_FIELD)
    return uri if isinstance(uri, str) else keyid
