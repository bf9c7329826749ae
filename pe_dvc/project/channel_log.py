"""Looking at channels: those of the bucket, with git's commits where we stand in a clone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.primitives.reference import CHANNELS
from pe_dvc.project.git_channels import GitChannels
from pe_dvc.project.reader import Reader, trusted_countries
from pe_dvc.project.repo import DataRepo
from pe_dvc.trust.tuf_api import Targets
from pe_dvc.trust.verify import parse
from pe_dvc.usecases.channel.log import ChannelHistory, Version, first_break, step

if TYPE_CHECKING:
    from datetime import datetime

    from pe_dvc.adapters.git.repo import GitChange
    from pe_dvc.documents.manifest_diff import ReleaseDiff
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.primitives.errors import PeDvcError
    from pe_dvc.store.port import Store
    from pe_dvc.usecases.channel.log import Step


@dataclass(frozen=True, kw_only=True)
class ListedChannel:
    """A channel as readers see it now."""

    country: str
    channel: str
    version: int
    expires: datetime
    datasets: int


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One version of a channel's log; ``commit`` is the one that first held it, where known."""

    version: Version
    step: Step
    commit: GitChange | None


class ChannelViews:
    """The channels of one country, verified from the root that is trusted."""

    def __init__(self, country: str | None = None, *, store: str | None = None) -> None:
        """``country`` is the enclosing data repo's unless given. Raises NotFoundError."""
        self._repo = DataRepo.around()
        chosen = country or (self._repo.country if self._repo else None)
        if chosen is None:
            raise NotFoundError(
                "no country was named, and this is no data repo",
                remedy=f"Say --country; trusted are {', '.join(trusted_countries()) or 'none'}.",
            )
        self.country = chosen
        self._reader = Reader(chosen, store=store)

    def channels(self) -> list[ListedChannel]:
        """Return the channels with their versions and expiry."""
        channels = self._reader.channels
        return [
            ListedChannel(
                country=self.country,
                channel=channel,
                version=channels.channel_version(channel),
                expires=channels.channel_expires(channel),
                datasets=len(channels.pointers(channel)),
            )
            for channel in CHANNELS
        ]

    def pointers(self, which: str) -> dict[str, Pointer]:
        """Return the pointers of ``latest``, ``next``, or of a version such as ``latest:4``."""
        channel, colon, number = which.partition(":")
        if not colon:
            return {pointer.name: pointer for pointer in self._reader.channels.pointers(channel)}
        if not (number.isascii() and number.isdigit()):
            raise FormatError(f"{which!r} is not a channel: expected the form of latest:4")
        return self._history.version(channel, int(number)).pointers

    def diff(self, before: str, after: str) -> ReleaseDiff:
        """Compare two channels, or versions, by the manifests of the datasets that differ."""
        from pe_dvc.documents.manifest_diff import diff_releases

        earlier, later = self.pointers(before), self.pointers(after)
        same = {
            name
            for name in earlier.keys() & later.keys()
            if earlier[name].manifest_sha256 == later[name].manifest_sha256
        }
        manifests = [
            {
                name: self._reader.resolve_pointer(p).manifest
                for name, p in side.items()
                if name not in same
            }
            for side in (earlier, later)
        ]
        found = diff_releases(before, manifests[0], after, manifests[1])
        return replace(found, unchanged=found.unchanged + len(same))

    def log(self, channel: str) -> tuple[list[Entry], PeDvcError | None]:
        """Return every version, oldest first, up to the first break, and that break."""
        commits = self._commits(channel)
        versions, broken = first_break(self._history.versions(channel))
        entries: list[Entry] = []
        before = None
        for version in versions:
            commit, data = commits.get(version.version, (None, None))
            if data is not None and not _says_the_same(data, version.data):
                broken = VerificationError(
                    f"git holds another {channel} version {version.version} than the bucket, in "
                    f"commit {commit.commit[:12] if commit else ''}",
                    remedy="Both are signed: two publishers made it. The bucket's is what readers "
                    "saw.",
                )
                break
            entries.append(Entry(version=version, step=step(before, version), commit=commit))
            before = version
        return entries, broken

    @property
    def _history(self) -> ChannelHistory:
        reader = self._reader
        return ChannelHistory(cast("Store", reader.store), self.country, reader.trusted_root())

    def _commits(self, channel: str) -> dict[int, Any]:
        if self._repo is None or self._repo.country != self.country:
            return {}
        return dict(GitChannels(self._repo).versions(channel))


def _says_the_same(one: bytes, other: bytes) -> bool:
    if one == other:
        return True
    signed = [parse(Targets, data, where="").signed for data in (one, other)]
    return bool(signed[0] == signed[1])
