"""The history of a channel, as the bucket's versioned files tell it, verified version by version.

Versioned files are never deleted. Today's version names those that it was made from; what else lies
among them does not count, such as a thief's. A version counts if enough keys signed it that were
its role's at the time: those of the targets metadata that stood then, which a root that stood then
vouches for. Neither may go back to an earlier one from one version to the next.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.documents.pointer import check_channel
from pe_dvc.primitives.errors import (
    FormatError,
    NotFoundError,
    SignatureError,
    VerificationError,
)
from pe_dvc.primitives.pools import Pool
from pe_dvc.trust.binned import for_git, joined_metadata
from pe_dvc.trust.bucket import ReadableChannels
from pe_dvc.trust.bucket_head import read_head
from pe_dvc.trust.roles import TAMPERED, max_length
from pe_dvc.trust.tuf_api import Key, Metadata, Root, Targets
from pe_dvc.trust.verify import expiry_days, key_names, parse, signatures, verify_root_chain
from pe_dvc.usecases.channel.counted_versions import CountedVersions, read_version
from pe_dvc.usecases.channel.snapshot_history import SnapshotHistory
from pe_dvc.usecases.channel.version import (
    NEVER_PUBLISHED,
    Version,
    check_named,
    check_number,
    pointers_in,
    signer,
    why_apart,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pe_dvc.store.port import ObjectInfo, ReadableStore
    from pe_dvc.trust.stored_metadata import Head

METADATA_READS_AT_ONCE = 16


class ChannelHistory:
    """Reads the versions of a country's channels. ``pinned`` is the root that is trusted."""

    _first = 0  # versions before it are not told of

    def __init__(self, store: ReadableStore, country: str, pinned: bytes) -> None:
        self._store, self._country, self._pinned = store, country, pinned
        self.skipped: list[int] = []
        """Versions that ``versions`` passed over: never published, and in git elsewhere."""

    def version(self, channel: str, number: int) -> Version:
        """Return one version, verified. Raises NotFoundError, VerificationError."""
        data = self.bucket.read(check_channel(channel), Targets, number).data
        return self._verified(channel, number, data, self._delegators)[0]

    def versions(
        self, channel: str, in_git: Mapping[int, bytes] | None = None
    ) -> Iterator[Version]:
        """Yield every version that the bucket has a file of, oldest first.

        Today's version and those that it was made from are verified; what else there is, such as a
        thief's, has a note that says why it does not count. ``in_git`` are versions that git holds.
        One that readers were never shown may lack: it has a note where git holds it. Raises
        VerificationError at the first break: another that counts is missing, says that it is
        another, or was not validly signed at its time.
        """
        files, held = self._held(channel)
        seen, newest = self.head.meta.get(channel), self._newest(channel, held)
        counted = CountedVersions.to(newest, held)
        delegators: Sequence[Targets] = self._delegators
        shown = {seen.version} if seen else set()
        numbers = files.keys() | counted.numbers(files) | shown
        for number in sorted(number for number in numbers if number >= self._first):
            if not counted.has(number) and number not in shown:
                yield self._apart(channel, number, files[number], held[number], newest)
                continue
            if number not in files and self._shown.never(channel, number):
                if in_git and counted.is_it(number, in_git.get(number, b"")):
                    version = self._verified(channel, number, in_git[number], delegators)[0]
                    yield replace(version, note=NEVER_PUBLISHED)
                else:
                    self.skipped.append(number)
                continue
            where = self.bucket.where(channel, number)
            data = counted.pick(number, held.get(number), in_git or {}, where=where)
            version, delegators = self._verified(channel, number, data, delegators)
            if seen and number == seen.version:
                check_named(seen, data, where)
            yield version

    def counting(self, channel: str) -> Iterator[Version]:
        """Yield the versions that readers see or saw and that today's was made from, newest first.

        Each verified by itself: one that is missing or altered is passed over, and hides no other.
        """
        _, held = self._held(check_channel(channel))
        counted = CountedVersions.to(self._newest(channel, held), held)
        for number in sorted(held, reverse=True):
            data = held[number]
            if data is not None and counted.has(number) and counted.is_it(number, data):
                with suppress(VerificationError, FormatError):
                    yield self._verified(channel, number, data, self._delegators)[0]

    @property
    def remark(self) -> str | None:
        """What keeps readers from what the bucket holds, None if nothing does."""
        if self.head.snapshot is not None and self.head.timestamp is not None:
            return None
        where = self.bucket.where("timestamp")
        return f"{where} is not signed by today's keys: readers are refused until pe-dvc push"

    def without_promise(self, channel: str) -> frozenset[str]:
        """Return the keys of files that readers were never shown, and of ``foreign`` ones."""
        files = self._files(channel).items()
        never = {info.key for number, info in files if self._shown.never(channel, number)}
        return self.foreign(channel) | never

    def foreign(self, channel: str) -> frozenset[str]:
        """Return the keys of files that today's keys did not sign and no version was made from."""
        files, held = self._held(channel)
        newest = self._newest(channel, held)
        counted = CountedVersions.to(newest, held)
        apart = (
            self._apart(channel, number, info, held[number], newest)
            for number, info in files.items()
            if newest is not None and not counted.has(number)
        )
        return frozenset(files[version.version].key for version in apart if version.foreign)

    def _held(self, channel: str) -> tuple[dict[int, ObjectInfo], dict[int, bytes | None]]:
        files = self._files(channel)
        return files, dict(zip(files, self._read_all(channel, list(files)), strict=True))

    def _files(self, channel: str) -> dict[int, ObjectInfo]:
        listed = self.bucket.files().items()
        return {number: info for (role, number), info in listed if role == channel}

    def _newest(self, channel: str, held: Mapping[int, bytes | None]) -> Metadata[Targets] | None:
        """Return the version that readers see, else the newest one that today's keys signed."""
        seen = self.head.meta.get(channel)
        shown = read_version(held.get(seen.version), seen.version) if seen else None
        if shown is not None:
            return shown
        for number in sorted(held, reverse=True):
            metadata = read_version(held[number], number)
            today = self._delegators[-1:] if metadata else []
            if metadata and any(signatures(one, channel, metadata) for one in today):
                return metadata
        return None

    def _apart(
        self,
        channel: str,
        number: int,
        info: ObjectInfo,
        data: bytes | None,
        newest: Metadata[Targets] | None,
    ) -> Version:
        """Return a version that does not count, with what can be told of it."""
        metadata = read_version(data, number)
        made = info.modified or datetime.now(UTC)
        for delegator in reversed(self._delegators):
            result = signatures(delegator, channel, metadata) if metadata else None
            if metadata and result and result.signed:
                counts = delegator is self._delegators[-1]
                later = newest is None or number > newest.signed.version
                signed, note = result.signed, why_apart(counts=counts, later=later)
                version = self._version(channel, data or b"", metadata, delegator, signed)
                return replace(version, note=note, foreign=not counts)
        return Version(
            channel=channel,
            version=number,
            signed_at=made,
            expires=made,
            signers=(),
            pointers={},
            data=data or b"",
            note="not signed by any key of this channel",
            foreign=True,
        )

    def _verified(
        self, channel: str, number: int, data: bytes, delegators: Sequence[Targets]
    ) -> tuple[Version, Sequence[Targets]]:
        """Return a version and the delegators that may vouch for those after it."""
        where = self.bucket.where(channel, number)
        metadata = parse(Targets, data, where=where)
        check_number(metadata, number, where)
        for at, delegator in enumerate(delegators):
            result = signatures(delegator, channel, metadata)
            if result:
                version = self._version(channel, data, metadata, delegator, result.signed)
                return version, delegators[at:]
        raise SignatureError(
            f"{where}: {channel} version {number} does not have the signatures that any targets "
            f"metadata of {self._country} asked for at its time",
            remedy=TAMPERED,
        )

    def _version(
        self,
        channel: str,
        data: bytes,
        metadata: Metadata[Targets],
        delegator: Targets,
        signed: Mapping[str, Key],
    ) -> Version:
        number = metadata.signed.version
        where = self.bucket.where(channel, number)
        metadata = joined_metadata(metadata, self._store, self._country, where=where)
        return Version(
            channel=channel,
            version=number,
            signed_at=metadata.signed.expires - timedelta(days=expiry_days(delegator, channel)),
            expires=metadata.signed.expires,
            signers=tuple(signer(keyid, key) for keyid, key in signed.items()),
            names={k: name for k, name in key_names(delegator, channel).items() if k in signed},
            pointers=pointers_in(metadata, self._country, channel, where),
            data=for_git(metadata, data),
        )

    @cached_property
    def _roots(self) -> list[Root]:
        """Return every root from the first on, as far as each vouches for the next."""
        # What else is there stops the bucket's readers, and not us.
        where = f"roots of {self._country} in {self._store.url}"
        pinned = parse(Root, self._pinned, where="the trusted root").signed.version
        bucket = ReadableChannels(self._store, self._country, [])
        found = [bucket.read("root", Root, number).data for number in range(1, pinned + 1)]
        if found[pinned - 1] != self._pinned:
            raise VerificationError(
                f"{bucket.where('root', pinned)} is not the root that is trusted", remedy=TAMPERED
            )
        roots = [root.signed for root in verify_root_chain(found, where=where)]
        while held := bucket.signed(roots[-1], "root", Root, roots[-1].version + 1):
            if not signatures(held.metadata.signed, "root", held.metadata):
                break
            roots.append(held.metadata.signed)
        return roots

    @cached_property
    def bucket(self) -> ReadableChannels:
        """The bucket, by all roots from the first on."""
        return ReadableChannels(self._store, self._country, self._roots)

    @cached_property
    def head(self) -> Head:
        """Where the bucket stands."""
        return read_head(self.bucket)

    @cached_property
    def _shown(self) -> SnapshotHistory:
        return SnapshotHistory(self.bucket, self.head)

    @cached_property
    def _delegators(self) -> list[Targets]:
        """Every targets metadata that was published, each vouched for by a root of its time.

        What no root vouches for is a thief's, or anyone's who can write to the bucket.
        """
        numbers = sorted(self._files("targets"))
        found, roots = [], self._roots
        for number, data in zip(numbers, self._read_all("targets", numbers), strict=True):
            metadata = read_version(data, number)
            if metadata is None:
                continue
            vouching = [i for i, root in enumerate(roots) if signatures(root, "targets", metadata)]
            if vouching:
                roots = roots[vouching[0] :]
                found.append(metadata.signed)
        return found

    def _read_all(self, role: str, numbers: Sequence[int]) -> list[bytes | None]:
        self.bucket  # noqa: B018 - once, before there are threads
        with Pool(METADATA_READS_AT_ONCE) as pool:
            return list(pool.map(lambda number: self._read(role, number), numbers))

    def _read(self, role: str, number: int) -> bytes | None:
        try:
            return self._store.read(self.bucket.key(role, number), limit=max_length(role))[0]
        except NotFoundError:
            return None
        except FormatError:  # too long to be metadata
            return b""
