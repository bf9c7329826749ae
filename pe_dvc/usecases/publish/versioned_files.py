"""Publish versioned metadata files: each is created once, the history of a role without gaps.

Consistent snapshots, TUF specification 6.2: ``3.latest.json`` is never written again. ADR 0004.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from pe_dvc.primitives.errors import ConflictError, NotFoundError, SignatureError
from pe_dvc.trust.ancestry import digest, lineage
from pe_dvc.trust.tuf_api import MetaFile, Root, Targets
from pe_dvc.trust.verify import TAMPERED, parse, verify_signed_by
from pe_dvc.usecases.publish.moved import follows, moved_error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.trust.bucket import ChannelBucket
    from pe_dvc.trust.signed_metadata import SignedMetadata


class History(Protocol):
    """What the commits behind HEAD hold of a role, signed by the keys of their time."""

    def data(self, role: str) -> Iterable[bytes]:
        """Return the files that they hold."""
        ...

    def took_away(self, role: str, sha256: Sha256) -> bool:
        """Tell whether today's file was committed on top of the version with that digest."""
        ...


def publish_roots(bucket: ChannelBucket, data: list[bytes]) -> list[str]:
    """Create those of the bucket's roots that lack, oldest first; return the keys written.

    ``data`` are their bytes, from version 1 on. Raises ConflictError if the bucket holds another
    root, or a newer one.
    """
    newest = len(data)
    if bucket.has("root", newest + 1):
        raise ConflictError(
            f"{bucket.where('root', newest + 1)} is newer than root version {newest} in git",
            remedy="Get the newer root (git pull), then push again.",
        )
    if _holds_root(bucket, newest):
        return []
    written = []
    for version in range(1, newest + 1):
        key = bucket.key("root", version)
        try:
            bucket.store.create(key, data[version - 1])
        except ConflictError:
            if not _holds_root(bucket, version):
                raise
        else:
            written.append(key)
    return written


def _holds_root(bucket: ChannelBucket, version: int) -> bool:
    """Return whether the bucket holds a root; raise ConflictError if it holds another one."""
    try:
        held = bucket.read("root", Root, version)
    except NotFoundError:
        return False
    if held.metadata.signed != bucket.roots[version - 1]:
        raise ConflictError(
            f"{bucket.where('root', version)} is another root than version {version} in git",
            remedy=f"Check that this is the right bucket. If it is: {TAMPERED}",
        )
    return True


def publish_role(
    bucket: ChannelBucket, ours: SignedMetadata, role: str, named: MetaFile | None
) -> tuple[MetaFile, list[str]]:
    """Create a role's newest file; return what snapshots shall say of it, and the keys written.

    ``named`` is what the snapshot in the bucket says of the role, None where it says nothing.
    Raises MovedError where git's version was not made from the published one.
    """
    meta_file = ours.meta_file(role)
    if named and named.version > meta_file.version:
        raise moved_error(bucket, ours, role, named.version)
    if named and named.version == meta_file.version:
        same = named.hashes == meta_file.hashes
        return (meta_file if same else _published_before(bucket, ours, role)), []
    if named and not follows(bucket, ours, role, named.version):
        # Its changes would be lost.
        raise moved_error(bucket, ours, role, named.version)
    key = bucket.key(role, meta_file.version)
    try:
        bucket.store.create(key, ours.data(role))
    except ConflictError:
        return _published_before(bucket, ours, role), []
    return meta_file, [key]


def publish_between(
    bucket: ChannelBucket, ours: Targets, role: str, published: int, history: History
) -> list[str]:
    """Create the versions after ``published`` that ``ours`` was made from; return the keys written.

    A laptop may commit a channel several times between two pushes. Readers need only the newest,
    the channel's history has them all. What git holds of another line, as after a merge or from
    before the channels were created again, is left out. One that git does not hold, as after a
    squashed merge, stays a gap, which ``pe-dvc channel log`` reports.
    """
    if published + 1 >= ours.version:
        return []
    held = {}
    for data in history.data(role):
        metadata = parse(Targets, data, where=f"{role} in git's history")
        held[digest(metadata)] = metadata.signed, data
    line = lineage(ours, {sha256: signed for sha256, (signed, _) in held.items()})
    written = []
    for version in sorted(version for version in line if version > published):
        # A publisher who was first left a version of their own that was never pointed to.
        with suppress(ConflictError):
            data = held[line[version]][1]
            written.append(bucket.store.create(bucket.key(role, version), data).key)
    return written


def _published_before(bucket: ChannelBucket, ours: SignedMetadata, role: str) -> MetaFile:
    """Return what the bucket's file of git's version is, if it says what git says.

    It may differ in its signatures: another reviewer's, or another run of a scheme that signs
    again each time. Then the bucket's bytes stand. Otherwise another publisher was first.
    """
    git = ours.role(role).signed
    held = bucket.read(role, Targets, git.version)
    if held.metadata.signed != git:
        raise moved_error(bucket, ours, role, git.version)
    try:
        where = bucket.where(role, git.version)
        verify_signed_by(ours.delegator(role), role, held.metadata, where=where)
    except SignatureError as error:
        raise SignatureError(
            error.message,
            remedy=f"If the keys of {role} were changed, give {role} a new version, sign it and "
            f"push again. If not: {TAMPERED}",
        ) from None
    return held.meta_file
