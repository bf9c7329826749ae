"""Publish a country's channels: what git holds signed becomes what readers see.

Versioned files come first and are created once; the timestamp comes last and is swapped. Killed
anywhere, readers see the old state or the new one, and a rerun completes. docs/architecture.md,
ADR 0003 and 0004.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import ConflictError, MovedError, NotFoundError, SignatureError
from pe_dvc.trust.ancestry import descends
from pe_dvc.trust.bucket import ChannelBucket
from pe_dvc.trust.files import ChannelFiles
from pe_dvc.trust.roles import DELEGATED, TARGETS_LIKE, max_length, metadata_key, utc
from pe_dvc.trust.tuf_api import Metadata, MetaFile, Root, Targets
from pe_dvc.trust.verify import (
    TAMPERED,
    check_fresh,
    parse,
    verify_root_chain,
    verify_signed_by,
)
from pe_dvc.usecases.publish.root_rotation import handovers
from pe_dvc.usecases.publish.snapshot import Promises, read_head, settle
from pe_dvc.usecases.publish.unpublished_versions import History, publish_between
from pe_dvc.usecases.publish.versioned_files import publish_roots

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from pe_dvc.store.port import Store
    from pe_dvc.trust.signers import Signers

COPIES = ("latest", "next")
"""Roles of which an unversioned copy is kept for curl and dashboards; nothing verifies it."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """The versions that readers now see, by role, and the keys that this run wrote, in order."""

    versions: dict[str, int]
    written: tuple[str, ...]

    @property
    def summary(self) -> str:
        """One line for people."""
        shown = ", ".join(f"{role} {self.versions[role]}" for role in COPIES)
        return f"{shown} ({'published' if self.written else 'already there'})"


@dataclass(frozen=True)
class _Local:
    """What git holds, verified: all roots, and each targets role with its bytes."""

    roots: list[Metadata[Root]]
    root_bytes: list[bytes]
    roles: dict[str, Metadata[Targets]]
    role_bytes: dict[str, bytes]

    def until(self, count: int) -> _Local:
        """Return the same with the first ``count`` roots only."""
        return _Local(self.roots[:count], self.root_bytes[:count], self.roles, self.role_bytes)

    def delegator(self, role: str) -> Root | Targets:
        """Return the metadata that names the keys of ``role``."""
        return self.roots[-1].signed if role == "targets" else self.roles["targets"].signed

    def promise(self, role: str) -> MetaFile:
        version = self.roles[role].signed.version
        return MetaFile.from_data(version, self.role_bytes[role], ["sha256"])


def publish_channel(
    store: Store,
    directory: Path,
    country: str,
    signers: Signers,
    *,
    now: datetime,
    history: History | None = None,
) -> Published:
    """Bring the signed metadata below ``directory`` (the repo's ``channels``) into the store.

    Writes nothing that is there already, and nothing at all if all is. Payloads and manifests
    must be there before (``publish_objects``). Raises SignatureError and ExpiredError for
    metadata in git that readers would refuse, ConflictError, which says what moved, if the
    store holds something else or something newer, VerificationError if the store was tampered
    with, and StoreError. ``pe_dvc.usecases.publish.rebase`` goes on where this raises MovedError.
    ``history`` is asked for versions that were committed and never published: they are published
    before the newest, so that the bucket tells the whole history.
    """
    files = ChannelFiles(directory, country)
    return publish_files(store, files, signers, now=now, history=history)


def publish_files(
    store: Store,
    files: ChannelFiles,
    signers: Signers,
    *,
    now: datetime,
    history: History | None = None,
) -> Published:
    """Do what ``publish_channel`` does, for metadata that may not lie in the data repo yet."""
    local = _read_local(files, utc(now))
    signed = [root.signed for root in local.roots]
    written: list[str] = []
    for before in handovers(ChannelBucket(store, files.country, signed), local.roles["targets"]):
        bucket = ChannelBucket(store, files.country, signed[:before], signed[before])
        written += _publish_under(bucket, local.until(before), signers, now, history).written
    last = _publish_under(ChannelBucket(store, files.country, signed), local, signers, now, history)
    return Published(versions=last.versions, written=(*written, *last.written))


def _publish_under(
    bucket: ChannelBucket,
    local: _Local,
    signers: Signers,
    now: datetime,
    history: History | None,
) -> Published:
    """Publish the roots that ``local`` has, and everything below them."""
    written = publish_roots(bucket, local.root_bytes)
    head = read_head(bucket)
    wanted: Promises = {}
    for role in TARGETS_LIKE:
        standing = head.promises.get(role)
        wanted[role], keys = _publish_role(bucket, local, role, standing)
        written += keys
        if history is not None and keys:
            newest = range((standing.version if standing else 0) + 1, wanted[role].version)
            written += publish_between(bucket, role, newest, history)
    follows = partial(_follows, bucket, local)
    head, keys = settle(bucket, wanted, signers, head=head, now=utc(now), follows=follows)
    written += keys
    written += _refresh_copies(bucket, local, head.promises)
    versions = {role: promise.version for role, promise in head.promises.items()}
    return Published(versions=versions, written=tuple(written))


def check_publishable(directory: Path, country: str, *, now: datetime) -> None:
    """Refuse what ``publish_channel`` would refuse for what git holds, touching no store."""
    _read_local(ChannelFiles(directory, country), utc(now))


def _read_local(files: ChannelFiles, now: datetime) -> _Local:
    """Read what git holds and refuse what readers would refuse."""
    root_bytes = files.root_chain()
    roots = verify_root_chain(root_bytes, where=str(files.path("root")))
    role_bytes = {role: files.read_bytes(role) for role in TARGETS_LIKE}
    roles = {
        role: parse(Targets, data, where=str(files.path(role))) for role, data in role_bytes.items()
    }
    local = _Local(roots, root_bytes, roles, role_bytes)
    check_fresh("root", roots[-1].signed, now, where=str(files.path("root")))
    for role, metadata in roles.items():
        where = str(files.path(role))
        verify_signed_by(local.delegator(role), role, metadata, where=where)
        check_fresh(role, metadata.signed, now, where=where)
    return local


def _publish_role(
    bucket: ChannelBucket, local: _Local, role: str, head: MetaFile | None
) -> tuple[MetaFile, list[str]]:
    """Create a role's versioned file; return what snapshots shall say of it, and the key written.

    ``head`` is what the snapshot in the bucket says of the role.
    """
    ours = local.promise(role)
    if head and head.version > ours.version:
        raise _moved(bucket, local, role, head.version)
    if head and head.version == ours.version and head.hashes == ours.hashes:
        return ours, []
    key = bucket.key(role, ours.version)
    if not head or head.version < ours.version:
        if head:
            _refuse_unrelated(bucket, local, role, head.version)
        try:
            bucket.store.create(key, local.role_bytes[role])
        except ConflictError:
            return _published_before(bucket, local, role), []
        return ours, [key]
    return _published_before(bucket, local, role), []


def _refuse_unrelated(bucket: ChannelBucket, local: _Local, role: str, version: int) -> None:
    """Refuse to replace a version that git's was not made from: its changes would be lost."""
    if not _follows(bucket, local, role, version):
        raise _moved(bucket, local, role, version)


def _follows(bucket: ChannelBucket, local: _Local, role: str, version: int) -> bool:
    """Return whether git's metadata of a role was made from a version that is in the bucket."""
    published = bucket.read(role, Targets, version).metadata
    return descends(local.roles[role].signed, published)


def _published_before(bucket: ChannelBucket, local: _Local, role: str) -> MetaFile:
    """Return what the bucket's file of git's version is, if it says what git says.

    It may differ in its signatures: another reviewer's, or another run of a scheme that signs
    anew each time. Then the bucket's bytes stand. Otherwise another publisher was first.
    """
    version = local.roles[role].signed.version
    held = bucket.read(role, Targets, version)
    if held.metadata.signed != local.roles[role].signed:
        raise _moved(bucket, local, role, version)
    try:
        where = bucket.where(role, version)
        verify_signed_by(local.delegator(role), role, held.metadata, where=where)
    except SignatureError as error:
        raise SignatureError(
            error.message,
            remedy=f"If the keys of {role} were changed, give {role} a new version, sign it and "
            f"push again. If not: {TAMPERED}",
        ) from None
    return held.promise


def _moved(bucket: ChannelBucket, local: _Local, role: str, version: int) -> MovedError:
    """Return the error that says what another publisher changed. Raises if it is not signed."""
    ours = local.roles[role].signed
    held = bucket.read(role, Targets, version)
    where = bucket.where(role, version)
    try:
        verify_signed_by(local.delegator(role), role, held.metadata, where=where)
    except SignatureError:
        if role not in DELEGATED:
            raise
        detail = "signed by other keys than those that targets in git names"
    else:
        detail = _difference(ours, held.metadata.signed, len(f"{bucket.country}/{role}/"))
    return MovedError(
        f"another publisher was first: {where} is {role} version {version}, git holds version "
        f"{ours.version}; against git, {detail}",
        role=role,
        remedy=f"Nothing is lost. Take over what was published (git pull; of conflicting "
        f"{role}.json keep the published one), run dvc repro, commit, and push again.",
    )


def _difference(ours: Targets, theirs: Targets, prefix: int) -> str:
    """Say which datasets differ in what was published from what git holds."""
    mine, published = ours.targets, theirs.targets
    both = mine.keys() & published.keys()
    parts = {
        "has": published.keys() - mine.keys(),
        "lacks": mine.keys() - published.keys(),
        "differs in": {path for path in both if mine[path] != published[path]},
    }
    said = [
        f"it {verb} {', '.join(sorted(path[prefix:] for path in paths))}"
        for verb, paths in parts.items()
        if paths
    ]
    return "; ".join(said) or "its datasets are the same"


def _refresh_copies(bucket: ChannelBucket, local: _Local, head: Promises) -> list[str]:
    """Overwrite the unversioned copies that are not what readers now see."""
    written = []
    for role in COPIES:
        if head[role].version != local.roles[role].signed.version:
            continue  # another publisher has gone on from ours: the copy is its to write
        key = metadata_key(bucket.country, role)
        try:
            current, _ = bucket.store.read(key, limit=max_length(role))
        except NotFoundError:
            current = b""
        if current != local.role_bytes[role]:
            bucket.store.overwrite(key, local.role_bytes[role])
            written.append(key)
    return written
