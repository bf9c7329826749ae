"""Another publisher was first: put our change of a channel onto what was published.

A channel is one signed file, so that publishers of different datasets get into each other's
way. The loser applies its own change to the winner's version: three ways, against the newest
version that both come from, as the signed ancestry tells. ADR 0004.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.documents.pointer import pointers_of
from pe_dvc.primitives.errors import ConflictError, MovedError, NotFoundError
from pe_dvc.trust.ancestry import (
    PlainTargets,
    ancestors,
    descends,
    digest,
    note_superseded,
    plain,
    superseded,
)
from pe_dvc.trust.binned import git_form
from pe_dvc.trust.bucket_head import read_head
from pe_dvc.trust.tuf_api import Metadata, MetaFile, Targets
from pe_dvc.trust.verify import signatures, verify_signed_by
from pe_dvc.usecases.channel.next_version import next_version, set_targets
from pe_dvc.usecases.publish.three_way_merge import Merged, merge
from pe_dvc.usecases.publish.versioned_files import NEIGHBOURS

if TYPE_CHECKING:
    from pe_dvc.trust.bucket import ReadableChannels
    from pe_dvc.trust.signed_metadata import SignedMetadata
    from pe_dvc.usecases.publish.publisher import Publisher

REBASED = "latest"
"""The channel that several publishers may change; the others are reviewed in git, one by one."""


@dataclass(frozen=True, kw_only=True)
class Rebased:
    """What became of a channel that another publisher had changed, with names of datasets.

    ``ours`` were changed here, ``taken_over`` elsewhere. ``rewritten`` tells that git's file was
    replaced by what was published, and waits to be committed; it is not where there was nothing
    of ours to publish. ``went_back`` tells that the version before was git's own, and that git
    took it away: no one else had changed anything.
    """

    channel: str
    version: int
    ours: tuple[str, ...]
    taken_over: tuple[str, ...]
    rewritten: bool
    went_back: bool = False


def rebase(
    bucket: ReadableChannels,
    git: SignedMetadata,
    moved: MovedError,
    publisher: Publisher,
) -> tuple[Rebased, bytes]:
    """Return the channel that ``moved`` with git's change applied to what is published, as bytes.

    What is published may be git's own, taken away by a later commit (``git revert``): then git's
    datasets are published, as a new version. Raises ``moved`` itself where nothing tells what
    both come from, or where the keys of the channel are not on this machine; ConflictError, which
    names them, if both changed a dataset.
    """
    channel = moved.role
    delegator = git.targets.signed
    ours = git.role(channel)
    theirs, last = newest_version(bucket, delegator, channel, after=ours.signed.version - 1)
    if theirs is None:
        raise moved
    history = publisher.history
    went_back = history is not None and history.took_away(channel, digest(theirs))

    def merged_with(theirs: Metadata[Targets]) -> Merged:
        before = (
            plain(theirs.signed) if went_back else _common_ancestor(bucket, channel, ours, theirs)
        )
        if before is None:
            raise moved
        return merge(before, ours.signed, theirs.signed)

    try:
        merged = merged_with(theirs)
    except ConflictError as conflict:
        # Its publisher died, or is behind us: readers never saw it. The first to be seen has won.
        theirs = _base_without(bucket, delegator, channel, ours, theirs, conflict)
        merged = merged_with(theirs)
    if merged.ours and not _says_all(theirs.signed, merged):
        next_version(theirs, delegator, channel, now=publisher.now)
        theirs.signed.version = max(theirs.signed.version, last + 1)
        _apply(merged, theirs.signed, country=bucket.country, channel=channel)
        publisher.signers.sign(delegator, channel, theirs)
        if not signatures(delegator, channel, theirs):
            raise _unsigned(moved, theirs.signed.version) if went_back else moved
    rebased = Rebased(
        channel=channel,
        version=theirs.signed.version,
        ours=_names(merged.ours),
        taken_over=_names(merged.taken_over),
        rewritten=bool(merged.ours),
        went_back=went_back,
    )
    return rebased, git_form(theirs)


def _base_without(
    bucket: ReadableChannels,
    delegator: Targets,
    channel: str,
    ours: Metadata[Targets],
    unseen: Metadata[Targets],
    conflict: ConflictError,
) -> Metadata[Targets]:
    """Return what to build on instead of a version that no snapshot names.

    That is what readers see, or the version that git's first one was laid out as. Raises
    ``conflict`` where readers see that version.
    """
    named = read_head(bucket).meta.get(channel)
    if named is None:
        first = bucket.signed(delegator, channel, Targets, 1)
        if first is not None and descends(ours.signed, first.metadata):
            return first.metadata
        raise conflict
    seen = _named(bucket, delegator, channel, named)
    if seen.signed == unseen.signed:
        raise conflict
    return seen


def _unsigned(moved: MovedError, version: int) -> MovedError:
    return MovedError(
        f"git took away the published version of {moved.role}: version {version}, which goes back, "
        "is not signed",
        role=moved.role,
        remedy=f"Nothing was published. Push where the key of {moved.role} is.",
    )


def _apply(merged: Merged, signed: Targets, *, country: str, channel: str) -> None:
    pointers_of(merged.targets, country=country, channel=channel, where="the merged channel")
    set_targets(signed, merged.targets)
    note_superseded(signed, merged.superseded)


def newest_version(
    bucket: ReadableChannels, delegator: Targets, channel: str, *, after: int
) -> tuple[Metadata[Targets] | None, int]:
    """Return the newest version of a channel that others can build on, and the last one taken.

    That is what readers see, or what was made from it and not finished: its publisher died
    before the timestamp, or is at work. A version that was not made from it was overtaken, and
    only its number is taken. What today's keys did not sign is passed over; there may be
    much of it, so that only the next versions are looked at: those after what readers see, or
    ``after`` where no snapshot says what that is. Raises VerificationError, StoreError.
    """
    named = read_head(bucket).meta.get(channel)
    newest, last = None, after
    if named is not None:
        newest, last = _named(bucket, delegator, channel, named), named.version
    later = [version for version in bucket.versions(channel) if version > last]
    for version in later[:NEIGHBOURS]:
        held = bucket.signed(delegator, channel, Targets, version)
        if held is not None:
            last = version
            if newest is None or descends(held.metadata.signed, newest):
                newest = held.metadata
    return newest, last


def _named(
    bucket: ReadableChannels, delegator: Targets, channel: str, meta_file: MetaFile
) -> Metadata[Targets]:
    """Read what the snapshot names: an older file put in its place must not be built upon."""
    metadata = bucket.read_named(channel, meta_file).metadata
    where = bucket.where(channel, meta_file.version)
    verify_signed_by(delegator, channel, metadata, where=where)
    return metadata


def _common_ancestor(
    bucket: ReadableChannels, channel: str, ours: Metadata[Targets], theirs: Metadata[Targets]
) -> PlainTargets | None:
    """Return the newest version that ours and theirs come from, None if none is known."""
    mine = _line(ours)
    published = _line(theirs)
    for version in sorted(mine, reverse=True):
        if version >= min(published) and published.get(version) != mine[version]:
            continue
        try:
            held = bucket.read(channel, Targets, version)
        except NotFoundError:
            if version == 1:
                return {}  # as it was laid out, which was not always published
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
