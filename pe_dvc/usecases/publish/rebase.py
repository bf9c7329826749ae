"""Publish a channel, and where another publisher was first, build on what it published.

A channel is one signed file, so that publishers of different datasets get into each other's
way. The loser applies its own change to the winner's version: three ways, against the newest
version that both come from, as the signed lineage tells. ADR 0004.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.documents.pointer import pointers_of
from pe_dvc.primitives.canonical import readable_json
from pe_dvc.primitives.errors import ConflictError, MovedError, NotFoundError
from pe_dvc.store.atomic_write import write_atomically
from pe_dvc.trust.ancestry import (
    PlainTargets,
    ancestors,
    descends,
    digest,
    note_superseded,
    plain,
    superseded,
)
from pe_dvc.trust.bucket import ChannelBucket
from pe_dvc.trust.files import ChannelFiles, PatchedChannelFiles
from pe_dvc.trust.tuf_api import (
    Metadata,
    MetaFile,
    Root,
    Targets,
)
from pe_dvc.trust.verify import signatures, verify_root_chain, verify_signed_by
from pe_dvc.usecases.channel.roles import next_version, set_targets
from pe_dvc.usecases.publish.channel import Published, publish_files
from pe_dvc.usecases.publish.snapshot import read_head
from pe_dvc.usecases.publish.three_way_merge import Merged, merge

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from pe_dvc.store.port import Store
    from pe_dvc.trust.signers import Signers
    from pe_dvc.usecases.publish.unpublished_versions import History

ATTEMPTS = 32
"""How often a publisher builds on what others published before it gives up."""

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
"""Seconds; each pause is drawn at random up to that, so that losers do not meet again."""


@dataclass(frozen=True, kw_only=True)
class Rebased:
    """What became of a channel that another publisher had changed, with names of datasets.

    ``ours`` were changed here, ``taken_over`` elsewhere. ``rewritten`` tells that git's file was
    replaced by what was published, and waits to be committed; it is not where there was nothing
    of ours to publish.
    """

    channel: str
    version: int
    ours: tuple[str, ...]
    taken_over: tuple[str, ...]
    rewritten: bool


def publish_rebasing(
    store: Store,
    directory: Path,
    country: str,
    signers: Signers,
    *,
    now: datetime,
    channel: str = "latest",
    history: History | None = None,
) -> tuple[Published, Rebased | None]:
    """Publish as ``publish_channel`` does; build on ``channel`` where somebody else was first.

    The file in git is rewritten before it is published: whenever a push is killed, the next one,
    or the next build, goes on from there. Raises as ``publish_channel``; ConflictError also if
    both changed one dataset, which it names, and if others were first too often.
    """
    git = ChannelFiles(directory, country)
    rebasing = _Rebasing(store, git, channel, signers, now)
    files, rebased = git, None
    for attempt in range(ATTEMPTS):
        try:
            return publish_files(store, files, signers, now=now, history=history), rebased
        except MovedError as moved:
            if moved.role != channel:
                raise
            rebased, data = rebasing.onto_newest(moved)
        if rebased.rewritten:
            write_atomically(git.path(channel), data)
        else:
            files = PatchedChannelFiles(directory, country, {channel: data})
        time.sleep(random.uniform(0, min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE)))
    raise ConflictError(
        f"other publishers kept changing channel {channel} of {country} in {store.url} through "
        f"{ATTEMPTS} attempts",
        remedy="Nothing is lost: push again.",
    )


class _Rebasing:
    """What is the same in every attempt: git's metadata, the bucket and who may sign."""

    def __init__(
        self,
        store: Store,
        files: ChannelFiles,
        channel: str,
        signers: Signers,
        now: datetime,
    ) -> None:
        self._files, self._channel, self._signers, self._now = files, channel, signers, now
        self._store = store

    def onto_newest(self, moved: MovedError) -> tuple[Rebased, bytes]:
        """Return the channel with our change applied to the newest published version, as bytes.

        Raises ``moved`` itself where nothing tells what both come from, or where the keys of the
        channel are not at hand.
        """
        roots = verify_root_chain(self._files.root_chain(), where=str(self._files.path(Root.type)))
        bucket = ChannelBucket(self._store, self._files.country, [r.signed for r in roots])
        delegator = self._files.verified_targets().signed
        ours = self._files.read(self._channel, Targets)
        theirs, last = newest_version(bucket, delegator, self._channel)
        before = _common_ancestor(bucket, self._channel, ours, theirs) if theirs else None
        if theirs is None or before is None:
            raise moved
        merged = merge(before, ours.signed, theirs.signed)
        if not merged.ours or _says_all(theirs.signed, merged):
            return self._result(merged, theirs), readable_json(theirs.to_dict())
        next_version(theirs, delegator, self._channel, now=self._now)
        theirs.signed.version = max(theirs.signed.version, last + 1)
        pointers_of(
            merged.targets,
            country=bucket.country,
            channel=self._channel,
            where="the merged channel",
        )
        set_targets(theirs.signed, merged.targets)
        note_superseded(theirs.signed, merged.superseded)
        self._signers.sign(delegator, self._channel, theirs)
        if not signatures(delegator, self._channel, theirs):
            raise moved
        return self._result(merged, theirs), readable_json(theirs.to_dict())

    def _result(self, merged: Merged, metadata: Metadata[Targets]) -> Rebased:
        return Rebased(
            channel=self._channel,
            version=metadata.signed.version,
            ours=_names(merged.ours),
            taken_over=_names(merged.taken_over),
            rewritten=bool(merged.ours),
        )


def newest_version(
    bucket: ChannelBucket, delegator: Targets, channel: str
) -> tuple[Metadata[Targets] | None, int]:
    """Return the newest version of a channel that others can build on, and the last one taken.

    That is what readers see, or what was made from it and not finished: its publisher died
    before the timestamp, or is at work. A version that was not made from it was overtaken, and
    only its number is taken. Raises VerificationError, StoreError.
    """
    promise = read_head(bucket).promises.get(channel)
    newest, last = None, 0
    if promise is not None:
        newest, last = _promised(bucket, delegator, channel, promise), promise.version
    for version in bucket.versions(channel):
        if version <= last:
            continue
        metadata = bucket.read(channel, Targets, version).metadata
        if metadata.signed.version == version and signatures(delegator, channel, metadata):
            last = version
            if newest is None or descends(metadata.signed, newest):
                newest = metadata
    return newest, last


def _promised(
    bucket: ChannelBucket, delegator: Targets, channel: str, promise: MetaFile
) -> Metadata[Targets]:
    """Read what the snapshot names: an older file put in its place must not be built upon."""
    where = bucket.where(channel, promise.version)
    held = bucket.read(channel, Targets, promise.version)
    verify_signed_by(delegator, channel, held.metadata, where=where)
    what = f"{channel} version {promise.version}"
    held.check(promise, what=what, promised_by="snapshot", where=where)
    return held.metadata


def _common_ancestor(
    bucket: ChannelBucket, channel: str, ours: Metadata[Targets], theirs: Metadata[Targets]
) -> PlainTargets | None:
    """Return the newest version that ours and theirs come from, None if none is known."""
    mine = _line(ours)
    published = _line(theirs)
    for version in sorted(mine, reverse=True):
        if version >= min(published) and published.get(version) != mine[version]:
            continue
        if version == 1:
            return {}  # as it was laid out, which was not always published
        try:
            held = bucket.read(channel, Targets, version)
        except NotFoundError:
            continue
        if digest(held.metadata) == mine[version]:
            return plain(held.metadata.signed)
    return None


def _line(metadata: Metadata[Targets]) -> dict[int, str]:
    """Return a version's digest and those of its ancestors, by version."""
    return ancestors(metadata.signed) | {metadata.signed.version: digest(metadata)}


def _says_all(theirs: Targets, merged: Merged) -> bool:
    known = superseded(theirs)
    return plain(theirs) == merged.targets and merged.superseded.items() <= known.items()


def _names(paths: set[str]) -> tuple[str, ...]:
    return tuple(sorted(path.split("/", 2)[2] for path in paths))
