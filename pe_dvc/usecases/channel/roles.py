"""``pe-dvc channel sign``, ``renew`` and ``status``: the roles in git.

Reads and writes ``channels/{country}/`` and nothing else. ``directory`` is the repo's ``channels``;
``now`` is an aware time. ADR 0003.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.result import Result
from pe_dvc.trust.files import ChannelFiles
from pe_dvc.trust.roles import ALL, TARGETS_LIKE, check_role, utc
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.trust.tuf_api import Metadata, Root, Targets
from pe_dvc.trust.verify import fingerprint, key_names, signatures
from pe_dvc.usecases.channel.versions import next_version

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.trust.signers import Signers


@dataclass(frozen=True, kw_only=True)
class RoleStatus(Result):
    """One role in git: who signed (key ids), how many signatures are missing, until when.

    ``names`` are those of the keys that have one, by key id. ``fingerprint`` is that of the root,
    by which readers pin it; other roles have none.
    """

    role: str
    version: int
    expires: datetime
    expired: bool
    threshold: int
    signed_by: tuple[str, ...]
    unsigned_by: tuple[str, ...]
    missing: int
    names: dict[str, str] = field(default_factory=dict)
    fingerprint: Sha256 | None = None


def sign_role(
    directory: Path, country: str, role: str, signers: Signers, *, now: datetime
) -> RoleStatus:
    """Add the signatures of this machine's keys to what git holds of a role; change nothing else.

    Raises FormatError, NotFoundError, SignatureError.
    """
    files = ChannelFiles(directory, country)
    delegator, metadata = _role(files, role)
    signers.check_any(delegator, role)
    if signers.sign(delegator, role, metadata):
        files.write(role, metadata)
    return _status(role, delegator, metadata, now)


def renew_role(
    directory: Path, country: str, role: str, signers: Signers, *, now: datetime
) -> RoleStatus:
    """Give a targets role a new version with a new expiry, and sign it with this machine's keys.

    Raises SignatureError if it has none of the role.
    """
    files = ChannelFiles(directory, country)
    delegator, metadata = _role(files, role)
    signers.check_any(delegator, role)
    next_version(metadata, delegator, role, now=now)
    signers.sign(delegator, role, metadata)
    files.write(role, metadata)
    return _status(role, delegator, metadata, now)


def channel_status(directory: Path, country: str, *, now: datetime) -> list[RoleStatus]:
    """Return how every role in git stands, root first. Raises FormatError, SignatureError."""
    files = ChannelFiles(directory, country)
    roles = [role for role in ALL if role == "root" or role in TARGETS_LIKE]
    found = [_status(role, *_role(files, role), now) for role in roles]
    root = fingerprint(files.read_bytes("root"))
    return [
        replace(status, fingerprint=root) if status.role == "root" else status for status in found
    ]


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
        names=key_names(delegator, role),
    )
