"""Looking at channels: those of the bucket, with git's commits where we stand in a clone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.pointer import check_channel
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.reference import CHANNELS
from pe_dvc.primitives.result import Result
from pe_dvc.project.git_channels import GitChannels
from pe_dvc.project.reader import Reader, trusted_countries
from pe_dvc.project.repo import DataRepo
from pe_dvc.usecases.channel.history import ChannelHistory
from pe_dvc.usecases.channel.log import channel_log

if TYPE_CHECKING:
    from datetime import datetime

    from pe_dvc.documents.manifest_diff import ReleaseDiff
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.usecases.channel.log import ChannelLog


@dataclass(frozen=True, kw_only=True)
class ListedChannel(Result):
    """A channel as readers see it now."""

    country: str
    channel: str
    version: int
    expires: datetime
    datasets: int


class Channels:
    """The channels of one country as readers see them, verified from the root that is trusted.

    Needs no clone; in one of the country, git tells which commit held each version.
    """

    def __init__(self, country: str | None = None, *, store: str | None = None) -> None:
        """``country`` is the enclosing data repo's unless given. Raises NotFoundError."""
        self._repo = DataRepo.around()
        chosen = country or (self._repo.country if self._repo else None)
        if chosen is None:
            raise NotFoundError(
                "no country was given, and this is not a data repo",
                remedy="Use --country; roots are pinned for "
                f"{', '.join(trusted_countries()) or 'none'}.",
            )
        self.country = chosen
        self._reader = Reader(chosen, store=store)

    def list(self) -> tuple[ListedChannel, ...]:
        """Return the channels that were published, with their versions and expiry."""
        channels = self._reader.channels
        listed, lacking = [], []
        for channel in CHANNELS:
            try:
                version = channels.channel_version(channel)
            except NotFoundError as error:
                lacking.append(error)
                continue
            listed.append(
                ListedChannel(
                    country=self.country,
                    channel=channel,
                    version=version,
                    expires=channels.channel_expires(channel),
                    datasets=len(channels.pointers(channel)),
                )
            )
        if not listed:
            raise lacking[0]
        return tuple(listed)

    def show(self, which: str) -> dict[str, Pointer]:
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

        earlier, later = self.show(before), self.show(after)
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

    def log(self, channel: str) -> ChannelLog:
        """Return every version, and where their chain breaks."""
        commits, history = self._commits(check_channel(channel)), self._history
        in_git = {version: data for version, (_, data) in commits.items()}
        found = history.versions(channel, in_git)
        return channel_log(found, commits, remark=history.remark)

    @property
    def _history(self) -> ChannelHistory:
        reader = self._reader
        return ChannelHistory(reader.store, self.country, reader.trusted_root())

    def _commits(self, channel: str) -> dict[int, Any]:
        if self._repo is None or self._repo.country != self.country:
            return {}
        return dict(GitChannels(self._repo).versions(channel))
