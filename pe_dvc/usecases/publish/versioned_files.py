"""Publish versioned metadata files: each is created once, the history of a role without gaps.

Consistent snapshots, TUF specification 6.2: ``3.latest.json`` is never written again. ADR 0004.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Protocol

from pe_dvc.primitives.errors import (
    ConflictError,
    FormatError,
    NotFoundError,
    SignatureError,
    VerificationError,
)
from pe_dvc.primitives.reference import CHANNELS
from pe_dvc.trust.ancestry import descends, digest, lineage
from pe_dvc.trust.bucket_form import bucket_form
from pe_dvc.trust.roles import TARGETS_LIKE
from pe_dvc.trust.tuf_api import LengthOrHashMismatchError, Metadata, MetaFile, Targets
from pe_dvc.trust.verify import parse, signatures
from pe_dvc.trust.version_numbers import versions_of
from pe_dvc.usecases.publish.moved import moved_error

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.trust.bucket_writer import ChannelBucket
    from pe_dvc.trust.signed_metadata import SignedMetadata
    from pe_dvc.trust.stored_metadata import SnapshotMeta
    from pe_dvc.usecases.publish.pointed_objects import PointedObjects

NEIGHBOURS = 16
"""How many versions next to git's are looked at, where nothing tells which were published."""


class History(Protocol):
    """What the commits behind HEAD hold of a role, signed by the keys of their time."""

    def data(self, role: str) -> Iterable[bytes]:
        """Return the files that they hold."""
        ...

    def took_away(self, role: str, sha256: Sha256) -> bool:
        """Tell whether today's file was committed on top of the version with that digest."""
        ...


def published_unnamed(
    bucket: ChannelBucket, ours: SignedMetadata, files: Iterable[tuple[str, int]]
) -> SnapshotMeta:
    """Return what was published that no snapshot names any more which today's keys signed.

    So that new keys of snapshot and timestamp, or their loss, take no one's work back. ``files``
    is the listing of the bucket. Only versions next to git's are looked at: a thief may have made
    many.
    """
    found: SnapshotMeta = {}
    for role in TARGETS_LIKE:
        version, known = ours.role(role).signed.version, versions_of(files, role)
        later = [number for number in known if number >= version][:NEIGHBOURS]
        earlier = [number for number in known if number < version][-NEIGHBOURS:]
        for number in (*later[::-1], *earlier[::-1]):
            held = bucket.signed(ours.delegator(role), role, Targets, number)
            if held is not None:
                found[role] = held.meta_file
                break
    return found


def publish_role(
    bucket: ChannelBucket,
    ours: SignedMetadata,
    role: str,
    named: MetaFile | None,
    history: History | None = None,
) -> tuple[MetaFile, list[str]]:
    """Create a role's newest file; return what snapshots shall say of it, and the keys written.

    ``named`` is what the snapshot in the bucket says of the role, None where it says nothing. A
    version that today's keys did not sign is no publisher's work. Raises MovedError where git's
    version was not made from the published one.
    """
    meta_file = ours.meta_file(role)
    version = meta_file.version
    if named and named.version == version and named.hashes == meta_file.hashes:
        bucket.with_bins(ours.data(role), where=ours.where(role))
        return meta_file, []
    published = _named(bucket, ours, role, named, history) if named else None
    if published and published.signed.version == version:
        return _published_before(bucket, ours, role), []
    if published and not (
        published.signed.version < version and descends(ours.role(role).signed, published)
    ):
        raise moved_error(bucket, ours, role, published.signed.version)  # changes would be lost
    refuse_newer = partial(refuse_newer_keys, bucket, ours)
    if named and published is None:
        refuse_newer()
        _check_follows(bucket, role, version, named.version)
    created = bucket.create(
        role, version, ours.data(role), delegator=ours.delegator(role), refuse_newer=refuse_newer
    )
    if created is None:
        return _published_before(bucket, ours, role), []
    return meta_file, [created.key]


def _named(
    bucket: ChannelBucket,
    ours: SignedMetadata,
    role: str,
    named: MetaFile,
    history: History | None,
) -> Metadata[Targets] | None:
    """Return the version that a snapshot names, None if the keys that signed it count no more.

    One that was altered or removed is put back from git's history, where that has it. Raises
    DigestMismatchError, NotFoundError or FormatError where it has not.
    """
    where, delegator = bucket.where(role, named.version), ours.delegator(role)
    try:
        vouched = bucket.signed_named(delegator, role, named)
        if vouched is not None:
            return vouched.metadata
        metadata = bucket.read_named(role, named).metadata
    except (NotFoundError, FormatError, VerificationError):
        held_in_git = history.data(role) if history else ()
        data = next((d for d in held_in_git if _is(named, d, where)), None)
        if data is None:
            raise
        bucket.restore(role, named.version, data)
        metadata = parse(Targets, data, where=where)
    return metadata if signatures(delegator, role, metadata) else None


def _is(named: MetaFile, data: bytes, where: str) -> bool:
    try:
        named.verify_length_and_hashes(bucket_form(data, where=where)[0])
    except LengthOrHashMismatchError:
        return False
    return True


def refuse_newer_keys(bucket: ChannelBucket, ours: SignedMetadata) -> None:
    """Raise if the bucket holds a newer root, or newer targets: git does not know today's keys.

    Who signs by new keys has published before what lists them. Raises MovedError, ConflictError.
    """
    bucket.refuse_newer_root()
    version = ours.targets.signed.version
    later = [number for number in bucket.versions("targets") if number > version]
    for number in later[:NEIGHBOURS]:
        if bucket.signed(bucket.root, "targets", Targets, number) is not None:
            raise moved_error(bucket, ours, "targets", number)


def _check_follows(bucket: ChannelBucket, role: str, ours: int, named: int) -> None:
    """Refuse what readers would take for a rollback: the keys of the snapshot stayed the same."""
    if ours <= named:
        raise SignatureError(
            f"{bucket.where(role, named)} is what readers are shown. The keys of {role} were "
            f"changed, so that it counts no more; but git's version {ours} is not above it, and "
            "readers take no older one",
            remedy=f"Run pe-dvc channel recover {role}, which takes a version above it; commit, "
            "and push.",
        )


def publish_between(
    bucket: ChannelBucket,
    ours: Targets,
    role: str,
    published: int,
    history: History,
    *,
    there: Container[tuple[str, int]] = (),
    pointed: PointedObjects | None = None,
) -> list[str]:
    """Create the versions after ``published`` that ``ours`` was made from; return the keys written.

    A laptop may commit a channel several times between two pushes. Readers need only the newest,
    the channel's history has them all. What git holds of another line, as after a merge or from
    before the channels were created again, is left out. One that git does not hold, as after a
    squashed merge, stays a gap, and so does one that points to what the bucket lacks (``pointed``):
    its push was refused. ``pe-dvc channel log`` tells of it. What is ``there`` under
    these names stays: also what no keys vouch for. The log shows it.
    """
    if published + 1 >= ours.version:
        return []
    held = {}
    for data in history.data(role):
        metadata = parse(Targets, data, where=f"{role} in git's history")
        held[digest(metadata)] = metadata.signed, data
    line = lineage(ours, {sha256: signed for sha256, (signed, _) in held.items()})
    written = []
    missing = (v for v in line if v > published and (role, v) not in there)
    for version in sorted(missing):
        signed = held[line[version]][0]
        if pointed is not None and role in CHANNELS and not pointed.holds(role, signed):
            continue
        # A publisher who was first left a version of their own that was never pointed to.
        with suppress(ConflictError):
            where = bucket.where(role, version)
            data = bucket.with_bins(held[line[version]][1], where=where)
            written.append(bucket.store.create(bucket.key(role, version), data).key)
    return written


def _published_before(bucket: ChannelBucket, ours: SignedMetadata, role: str) -> MetaFile:
    """Return what the bucket's file of git's version is, if it says what git says.

    It may differ in its signatures: another reviewer's, or another run of a scheme that signs
    again each time. Then the bucket's bytes stand. Otherwise another publisher was first. That
    today's keys signed it was seen before.
    """
    git = ours.role(role).signed
    held = bucket.read(role, Targets, git.version)
    if held.metadata.signed != git:
        raise moved_error(bucket, ours, role, git.version)
    return held.meta_file
