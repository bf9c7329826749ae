"""``pe-dvc channel sign``, ``renew`` and ``status``: the roles in git.

Reads and writes ``channels/{country}/`` and nothing else. ``directory`` is the repo's ``channels``;
``now`` is an aware time. ADR 0003 and 0014.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import ConflictError
from pe_dvc.trust.ancestry import digest
from pe_dvc.trust.draft_files import DraftFiles
from pe_dvc.trust.proposal import Proposal
from pe_dvc.trust.roles import ALL, TARGETS_LIKE, check_role
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.trust.verify import fingerprint
from pe_dvc.usecases.channel.drafts import (
    Vouching,
    drafts_of,
    settle,
    sign_drafts,
    uncounted,
)
from pe_dvc.usecases.channel.next_version import next_version
from pe_dvc.usecases.channel.role_status import RoleStatus, status_of, waiting_drafts

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from pe_dvc.trust.signers import Signers


def sign_role(
    directory: Path,
    country: str,
    role: str,
    signers: Signers,
    *,
    now: datetime,
    shown: str | None = None,
) -> RoleStatus:
    """Add the signatures of this machine's keys to a role, or to its draft, where there is one.

    A draft that is signed by enough comes into force. Signatures that do not count are dropped.
    ``shown`` is the digest of what the signer was shown (``to_sign``): nothing else is signed.
    Raises FormatError, NotFoundError, ConflictError, and SignatureError without a key of the role.
    """
    files = DraftFiles(directory, country)
    if shown is not None and shown != digest_to_sign(files, role):
        raise ConflictError(
            f"{role} was changed while it was shown", remedy="Nothing was signed. Look again."
        )
    if not files.drafted(check_role(role)):
        return _sign_in_place(files, role, signers, now)
    before = [status_of(role, d, now=now, draft=True) for d in drafts_of(Proposal(files), role)]
    sign_drafts(files, role, signers)
    settle(files, signers, now=now)
    files.save()
    after = drafts_of(Proposal(files), role)
    held = after[-1] if after else _in_force(SignedMetadata(files.in_force), role)
    done = status_of(role, held, now=now, draft=bool(after))
    dropped = {keyid: None for one in before for keyid in one.uncounted}
    names = {keyid: name for one in before for keyid, name in one.names.items()}
    return _with_fingerprint(
        files, replace(done, uncounted=tuple(dropped), names={**names, **done.names})
    )


def _sign_in_place(files: DraftFiles, role: str, signers: Signers, now: datetime) -> RoleStatus:
    held = _in_force(SignedMetadata(files.in_force), role)
    signers.check_any(held.delegators[0], role)
    status = status_of(role, held, now=now)
    if role == "root":  # another signature would change its fingerprint, and nothing needs it
        return _with_fingerprint(files, status)
    dropped = uncounted(held, role) if status.missing else []
    for keyid in dropped:
        del held.metadata.signatures[keyid]
    if signers.sign(held.delegators[0], role, held.metadata) or dropped:
        files.in_force.write(role, held.metadata)
    return replace(status_of(role, held, now=now), uncounted=tuple(dropped))


def to_sign(files: DraftFiles, role: str) -> list[Vouching]:
    """Return what ``sign_role`` would sign of a role."""
    if not files.drafted(check_role(role)):
        return [_in_force(SignedMetadata(files.in_force), role)]
    return drafts_of(Proposal(files), role)


def digest_to_sign(files: DraftFiles, role: str) -> str:
    """Return what identifies that, by what would be signed."""
    return " ".join(digest(held.metadata) for held in to_sign(files, role))


def renew_role(
    directory: Path, country: str, role: str, signers: Signers, *, now: datetime
) -> RoleStatus:
    """Give a channel's role a new version with a new expiry, and sign it with the keys here.

    Raises SignatureError if there is none of the role.
    """
    files = DraftFiles(directory, country)
    held = _in_force(SignedMetadata(files.in_force), role)
    signers.check_any(held.delegators[0], role)
    next_version(held.metadata, held.delegators[0], role, now=now)
    signers.sign(held.delegators[0], role, held.metadata)
    files.in_force.write(role, held.metadata)
    return status_of(role, held, now=now)


def channel_status(directory: Path, country: str, *, now: datetime) -> list[RoleStatus]:
    """Return how every role in git stands, root first, and after them the drafts.

    Drafts that were made from what is no longer in force are left out, as they cannot be signed.
    Raises FormatError, SignatureError.
    """
    files = DraftFiles(directory, country)
    found: list[RoleStatus] = []
    if files.in_force.exists() or not files.exists():
        standing = SignedMetadata(files.in_force)
        for role in (role for role in ALL if role == "root" or role in TARGETS_LIKE):
            status = status_of(role, _in_force(standing, role), now=now)
            found.append(_with_fingerprint(files, status))
    with suppress(ConflictError):
        found += waiting_drafts(files, now=now)
    return found


def _in_force(standing: SignedMetadata, role: str) -> Vouching:
    """Return a role's metadata that is in force, and who delegates to it, verified."""
    if check_role(role) == "root":
        return Vouching(metadata=standing.root, delegators=[standing.root.signed])
    return Vouching(metadata=standing.role(role), delegators=[standing.delegator(role)])


def _with_fingerprint(files: DraftFiles, status: RoleStatus) -> RoleStatus:
    if status.role != "root" or status.draft:
        return status
    return replace(status, fingerprint=fingerprint(files.in_force.read_bytes("root")))
