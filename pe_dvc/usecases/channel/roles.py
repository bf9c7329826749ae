"""Channels in the data repo: laying them out, pointing them at artifacts, signing, looking.

Everything here reads and writes ``channels/{country}/`` in git and nothing else; publishing is
``pe_dvc.usecases.publish.channel``. ``directory`` is the repo's ``channels``; ``now`` is an
aware time. ADR 0003.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.pointer import Pointer, check_channel, check_pointers, pointers_of
from pe_dvc.primitives.errors import ConflictError
from pe_dvc.primitives.result import Result
from pe_dvc.trust.ancestry import (
    Committed,
    PlainTargets,
    add_ancestor,
    base_of,
    behind,
    note_superseded,
    plain,
    superseded,
)
from pe_dvc.trust.files import ChannelFiles
from pe_dvc.trust.initial_metadata import new_root, new_targets
from pe_dvc.trust.roles import ALL, DELEGATED, TARGETS_LIKE, check_role, utc
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.trust.tuf_api import Metadata, Root, TargetFile, Targets
from pe_dvc.trust.verify import (
    expiry_days,
    fingerprint,
    signatures,
    verify_signed_by,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.trust.signers import Signers
    from pe_dvc.trust.tuf_api import Key


@dataclass(frozen=True, kw_only=True)
class ChannelUpdate(Result):
    """What became of a channel. ``signed`` is False while ``missing`` signatures are missing."""

    channel: str
    changed: bool
    version: int
    signed: bool
    missing: int
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    """Names of datasets, in order. ``kept`` are those that another publisher changed and this
    checkout did not: they stay as published."""


@dataclass(frozen=True, kw_only=True)
class RoleStatus(Result):
    """One role in git: who signed (key ids), how many signatures are missing, until when."""

    role: str
    version: int
    expires: datetime
    expired: bool
    threshold: int
    signed_by: tuple[str, ...]
    unsigned_by: tuple[str, ...]
    missing: int


def init_channels(
    directory: Path,
    country: str,
    keys: Mapping[str, Sequence[Key]],
    signers: Signers,
    *,
    now: datetime,
    thresholds: Mapping[str, int] | None = None,
    contact: str | None = None,
) -> Sha256:
    """Lay out a country's channels, all roles of them and no targets; return root's fingerprint.

    ``keys`` holds the public keys of every role (``pe_dvc.trust.keys.generate_keys`` makes
    them), ``thresholds`` how many must sign, 1 where not given, and ``contact`` is who grants
    access to the data. Raises ConflictError if the
    country has channels already, FormatError for a threshold that the keys cannot reach, and
    SignatureError if root or targets cannot be signed now.
    """
    refuse_existing(directory, country)
    files = ChannelFiles(directory, country)
    root = new_root(country, keys, thresholds or {}, utc(now), contact=contact)
    targets = new_targets(country, keys, thresholds or {}, utc(now))
    _sign_or_refuse(signers, root.signed, "root", root)
    _sign_or_refuse(signers, root.signed, "targets", targets)
    for role in DELEGATED:
        empty = Metadata(Targets(expires=utc(now) + _lifetime(targets.signed, role)))
        signers.sign(targets.signed, role, empty)
        files.write(role, empty)
    files.write("targets", targets)
    files.write("root", root)
    return fingerprint(files.read_bytes("root"))


def refuse_existing(directory: Path, country: str) -> None:
    """Raise ConflictError if the country has channels already."""
    files = ChannelFiles(directory, country)
    if files.exists():
        raise ConflictError(
            f"{files.directory} holds channels already",
            remedy="Keep them: readers trust their root. To change keys, rotate them.",
        )


def update_channel(
    directory: Path,
    country: str,
    channel: str,
    pointers: Iterable[Pointer],
    signers: Signers,
    *,
    now: datetime,
    committed: Committed | None = None,
) -> ChannelUpdate:
    """Make ``pointers`` the whole content of a channel, and sign it with the keys on this machine.

    The version goes up by one if a pointer was added, removed or replaced, and not otherwise:
    then the file stays as it is, but for a signature that lacked. Without a key the file is
    written unsigned, for review. Where a push took over another publisher's change, pointers to
    what was there before do not take it back. A draft on top of what git's history holds signed,
    ``committed``, is rewritten under its version. Raises FormatError, NotFoundError,
    SignatureError.
    """
    files = ChannelFiles(directory, country)
    delegator = SignedMetadata(files).targets.signed
    metadata = files.read(check_channel(channel), Targets)
    ordered = check_pointers(pointers, country=country, channel=channel)
    wanted = {pointer.target_path: pointer.to_target() for pointer in ordered}
    before = plain(metadata.signed)
    kept = behind(metadata.signed, wanted)
    wanted = {p: t for p, t in wanted.items() if p not in kept}
    wanted |= {p: t for p, t in before.items() if p in kept}
    if wanted != before:
        replaced = superseded(metadata.signed)
        metadata = base_of(metadata, committed)
        if plain(metadata.signed) != wanted:
            seen = committed is None or bool(committed.data)
            next_version(metadata, delegator, channel, now=now, seen=seen)
            note_superseded(metadata.signed, {p: replaced[p] for p in kept})
            set_targets(metadata.signed, wanted)
    signed = signers.sign(delegator, channel, metadata)
    if wanted != before or signed:
        files.write(channel, metadata)
    names = len(f"{country}/{channel}/")
    both = before.keys() & wanted.keys()
    result = signatures(delegator, channel, metadata)
    return ChannelUpdate(
        channel=channel,
        changed=wanted != before,
        version=metadata.signed.version,
        signed=result.verified,
        missing=result.missing,
        added=tuple(sorted(path[names:] for path in wanted.keys() - before.keys())),
        removed=tuple(sorted(path[names:] for path in before.keys() - wanted.keys())),
        replaced=tuple(sorted(path[names:] for path in both if before[path] != wanted[path])),
        kept=tuple(sorted(path[names:] for path in kept)),
    )


def sign_role(
    directory: Path, country: str, role: str, signers: Signers, *, now: datetime
) -> RoleStatus:
    """Add the signatures of this machine's keys to what git holds of a role; change nothing else.

    Raises FormatError, NotFoundError, SignatureError.
    """
    files = ChannelFiles(directory, country)
    delegator, metadata = _role(files, role)
    if signers.sign(delegator, role, metadata):
        files.write(role, metadata)
    return _status(role, delegator, metadata, now)


def renew_role(
    directory: Path, country: str, role: str, signers: Signers, *, now: datetime
) -> RoleStatus:
    """Give a targets role a new version with a new expiry, and sign it with this machine's keys."""
    files = ChannelFiles(directory, country)
    delegator, metadata = _role(files, role)
    next_version(metadata, delegator, role, now=now)
    signers.sign(delegator, role, metadata)
    files.write(role, metadata)
    return _status(role, delegator, metadata, now)


def read_pointers(metadata: SignedMetadata, channel: str) -> dict[str, Pointer]:
    """Return a channel's pointers by dataset name, verified from the root in git on.

    Raises SignatureError for a channel that waits for signatures; an expired one is read.
    """
    targets = plain(metadata.verified(check_channel(channel)).signed)
    where = metadata.where(channel)
    return pointers_of(targets, country=metadata.country, channel=channel, where=where)


def superseded_manifests(metadata: SignedMetadata, channel: str) -> dict[str, str | None]:
    """Return the manifests' sha256 that other publishers replaced, by dataset name.

    None for a dataset that this checkout did not have. Raises FormatError, NotFoundError.
    """
    signed = metadata.role(check_channel(channel)).signed
    prefix = f"{metadata.country}/{channel}/"
    return {path.removeprefix(prefix): had for path, had in superseded(signed).items()}


def channel_status(directory: Path, country: str, *, now: datetime) -> list[RoleStatus]:
    """Return how every role in git stands, root first. Raises FormatError, SignatureError."""
    files = ChannelFiles(directory, country)
    roles = [role for role in ALL if role == "root" or role in TARGETS_LIKE]
    return [_status(role, *_role(files, role), now) for role in roles]


def _role(files: ChannelFiles, role: str) -> tuple[Root | Targets, Metadata[Any]]:
    """Return who delegates to a role, verified, and the role's metadata, unverified."""
    if check_role(role) == "root":
        root = files.read("root", Root)
        return root.signed, root
    metadata = SignedMetadata(files)
    return metadata.delegator(role), metadata.role(role)


def _status(
    role: str, delegator: Root | Targets, metadata: Metadata[Any], now: datetime
) -> RoleStatus:
    result = signatures(delegator, role, metadata)
    return RoleStatus(
        role=role,
        version=metadata.signed.version,
        expires=metadata.signed.expires,
        expired=metadata.signed.is_expired(utc(now)),
        threshold=result.threshold,
        signed_by=tuple(sorted(result.signed)),
        unsigned_by=tuple(sorted(result.unsigned)),
        missing=result.missing,
    )


def _sign_or_refuse(signers: Signers, root: Root, role: str, metadata: Metadata[Any]) -> None:
    """Sign what everything else rests upon: unsigned, none of it could ever be verified."""
    signers.sign(root, role, metadata)
    verify_signed_by(root, role, metadata, where=f"new {role}")


def next_version(
    metadata: Metadata[Targets],
    delegator: Root | Targets,
    role: str,
    *,
    now: datetime,
    seen: bool = True,
) -> None:
    """Make ``metadata`` its own next version, unsigned. Call it before anything else changes.

    One that was not ``seen`` elsewhere is no version yet, and keeps its number.
    """
    if seen:
        add_ancestor(metadata)
        metadata.signed.version += 1
    metadata.signed.expires = utc(now) + _lifetime(delegator, role)
    metadata.signatures.clear()


def set_targets(signed: Targets, wanted: PlainTargets) -> None:
    """Make ``wanted`` the whole content of a channel."""
    signed.targets = {
        path: TargetFile.from_dict(dict(target), path) for path, target in wanted.items()
    }


def _lifetime(delegator: Root | Targets, role: str) -> timedelta:
    return timedelta(days=expiry_days(delegator, role))
