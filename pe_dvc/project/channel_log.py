"""Looking at channels: those of the bucket, with git's commits where we stand in a clone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.pointer import check_channel
from pe_dvc.primitives.errors import (
    FormatError,
    NotFoundError,
    PeDvcError,
    RevokedError,
    VerificationError,
)
from pe_dvc.primitives.reference import CHANNELS
from pe_dvc.primitives.result import Result
from pe_dvc.project.channel_review import pending_pointers, pending_review
from pe_dvc.project.git_channels import GitChannels
from pe_dvc.project.git_manifests import committed_manifest
from pe_dvc.project.notes import note_once
from pe_dvc.project.reader import Reader
from pe_dvc.project.repo import DataRepo
from pe_dvc.project.trust import trusted_countries
from pe_dvc.project.withdrawn import refuse_pointer
from pe_dvc.usecases.channel.history import ChannelHistory
from pe_dvc.usecases.channel.log import channel_log
from pe_dvc.usecases.channel.logged import logged
from pe_dvc.usecases.channel.recent import RecentHistory
from pe_dvc.usecases.revoke.log import withdrawal_step
from pe_dvc.usecases.revoke.withdrawn import ROLE
from pe_dvc.usecases.revoked import why_withdrawn

if TYPE_CHECKING:
    from datetime import datetime

    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.documents.manifest_diff import ReleaseDiff
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.usecases.channel.log import ChannelLog
    from pe_dvc.usecases.channel.review import Review


PUBLISHED = "published"
"""In the place of a version, as in ``next:published``: what readers see."""


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

    def __init__(
        self, country: str | None = None, *, store: str | None = None, published: bool = False
    ) -> None:
        """``country`` is the enclosing data repo's unless given. Raises NotFoundError.

        In a clone, ``next`` is what its branch has, where that is not published yet; with
        ``published`` it is what readers see.
        """
        self._repo = DataRepo.around()
        chosen = country or (self._repo.country if self._repo else None)
        if chosen is None:
            raise NotFoundError(
                "no country was given, and this is not a data repo",
                remedy="Use --country; roots are pinned for "
                f"{', '.join(trusted_countries()) or 'none'}.",
            )
        self.country = chosen
        self._pending: dict[str, Review | None] = {}
        self._reader, self._published = Reader(chosen, store=store), published

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
        """Return the pointers of ``latest``, ``next``, or of a version such as ``latest:4``.

        ``next:published`` is what readers see, also where the clone's branch has another one.
        """
        channel, colon, number = which.partition(":")
        if not colon and self.pending(channel) is not None and self._repo is not None:
            return dict(pending_pointers(self._repo, channel))
        if not colon or number == PUBLISHED:
            return {pointer.name: pointer for pointer in self._reader.channels.pointers(channel)}
        if not (number.isascii() and number.isdigit()):
            raise FormatError(
                f"{which!r} is not a channel: expected the form of latest:4 or next:published"
            )
        return self._history.version(channel, int(number)).pointers

    def pending(self, which: str) -> Review | None:
        """Return what this clone's branch has of ``next`` that is not published yet.

        Says who signed it and who must still. None for what readers see.
        """
        if which not in self._pending:
            self._pending[which] = self._review(which)
        return self._pending[which]

    def _review(self, which: str) -> Review | None:
        if which != "next" or self._published or not self._in_clone:
            return None
        assert self._repo is not None
        try:
            return pending_review(self._repo, which, self._published_version)
        except (VerificationError, FormatError) as error:
            note_once(f"next of this clone is not shown: {error.message}")
            return None

    def _published_version(self, channel: str) -> int:
        try:
            return self._reader.channels.channel_version(channel)
        except NotFoundError:
            return 0

    @property
    def _in_clone(self) -> bool:
        return self._repo is not None and self._repo.country == self.country

    def _manifest(self, pointer: Pointer) -> Manifest:
        refuse_pointer(self._reader, pointer)
        if self._repo is not None and self._in_clone:
            committed = committed_manifest(self._repo, pointer)
            if committed is not None:
                return committed[0]
        return self._reader.resolve_pointer(pointer).manifest

    def diff(self, before: str, after: str) -> ReleaseDiff:
        """Compare two channels, or versions, by the manifests of the datasets that differ."""
        from pe_dvc.documents.manifest_diff import diff_releases

        earlier, later = self.show(before), self.show(after)
        same = {
            name
            for name in earlier.keys() & later.keys()
            if earlier[name].manifest_sha256 == later[name].manifest_sha256
        }
        withdrawn: dict[str, str] = {}
        manifests: list[dict[str, Manifest]] = [{}, {}]
        for found_in, side in zip(manifests, (earlier, later), strict=True):
            for name in side.keys() - same:
                try:
                    found_in[name] = self._manifest(side[name])
                except RevokedError as error:
                    withdrawn[name] = why_withdrawn(error)
        kept = [{n: m for n, m in side.items() if n not in withdrawn} for side in manifests]
        found = diff_releases(before, kept[0], after, kept[1])
        return replace(found, unchanged=found.unchanged + len(same), withdrawn=withdrawn)

    def log(self, channel: str, *, last: int | None = None) -> ChannelLog:
        """Return every version, and where their chain breaks.

        Of the role ``revoked`` it is told what was withdrawn and taken back. With ``last`` only so
        many versions up to the one that readers see, of those that it was made from: nothing else
        is read or verified then.
        """
        is_revoked = channel == ROLE
        role = channel if is_revoked else check_channel(channel)
        # One more tells what the first of them changed.
        read = None if last is None else last + 1
        commits = self._commits(role, newest=read)
        history = self._history if read is None else self._recent(read)
        in_git = {version: data for version, (_, data) in commits.items()}
        found = history.versions(channel, in_git)
        step_of = partial(withdrawal_step, self.country) if is_revoked else None
        log = channel_log(found, commits, remark=history.remark, step_of=step_of)
        withdrawn = {} if is_revoked else self._withdrawn()
        if last is not None:
            log = replace(log, entries=log.entries[-last:])
        told = [entry.version for entry in log.entries]
        in_log = logged(history.bucket, history.head, role, told)
        skipped = tuple(history.skipped)
        return replace(log, skipped=skipped, withdrawn=withdrawn, logged=in_log)

    def _withdrawn(self) -> dict[Sha256, str]:
        """Return why artifacts were withdrawn, by sha256: what a log says, and refuses nothing."""
        try:
            known = self._reader.revocations.known().revocations
        except PeDvcError as error:
            note_once(f"what was withdrawn of {self.country} is not said: {error.message}")
            return {}
        return {sha256: found.text for sha256, found in known.items()}

    @property
    def _history(self) -> ChannelHistory:
        reader = self._reader
        return ChannelHistory(reader.store, self.country, reader.trusted_root())

    def _recent(self, last: int) -> RecentHistory:
        reader = self._reader
        return RecentHistory(reader.store, self.country, reader.trusted_root(), last=last)

    def _commits(self, channel: str, *, newest: int | None) -> dict[int, Any]:
        if self._repo is None or not self._in_clone:
            return {}
        return dict(GitChannels(self._repo).versions(channel, newest=newest))
