"""Drafts of root and targets: signed one after the other, and in force once enough have.

A draft may wait for days. What others publish of a channel meanwhile is built upon when the
draft comes into force.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pe_dvc.primitives.errors import ConflictError
from pe_dvc.trust.ancestry import ancestors, digest
from pe_dvc.trust.binned import git_form
from pe_dvc.trust.files import DRAFTS
from pe_dvc.trust.proposal import Proposal
from pe_dvc.trust.roles import DELEGATED
from pe_dvc.trust.verify import signatures
from pe_dvc.usecases.channel.next_version import next_version

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pe_dvc.trust.draft_files import DraftFiles
    from pe_dvc.trust.signers import Signers
    from pe_dvc.trust.tuf_api import Metadata, Root, Targets


class Vouching(NamedTuple):
    """Metadata and who names the keys that must sign it."""

    metadata: Metadata[Any]
    delegators: Sequence[Root | Targets]


def drafts_of(proposal: Proposal, role: str) -> list[Vouching]:
    """Return the drafts of a role, none where what is in force is all there is."""
    if not proposal.files.drafted(role):
        return []
    if role == "root":
        return [
            Vouching(metadata=root, delegators=proposal.root_delegators(root))
            for root in proposal.drafts
        ]
    return [Vouching(metadata=proposal.role(role), delegators=proposal.delegators(role))]


def uncounted(draft: Vouching, role: str) -> list[str]:
    """Return the ids of keys whose signature does not count: another's, or of an earlier draft."""
    counted: set[str] = set()
    for delegator in draft.delegators:
        counted |= signatures(delegator, role, draft.metadata).signed.keys()
    return [keyid for keyid in draft.metadata.signatures if keyid not in counted]


def sign_drafts(files: DraftFiles, role: str, signers: Signers) -> list[str]:
    """Sign the drafts of a role by this machine's keys, and write them back.

    Signatures that do not count are dropped; their key ids are returned. Raises SignatureError
    without a key of the role.
    """
    dropped: list[str] = []
    for draft in drafts_of(Proposal(files), role):
        first, *also = draft.delegators
        signers.check_any(first, role, *also)
        for keyid in uncounted(draft, role):
            del draft.metadata.signatures[keyid]
            dropped.append(keyid)
        signers.sign(first, role, draft.metadata, *also)
        files.write(role, draft.metadata)
    return list(dict.fromkeys(dropped))


def refuse_unseen(proposal: Proposal, role: str, signers: Signers) -> None:
    """Raise ConflictError for a draft that this machine's keys have not signed.

    A change of it would sign, unseen, what others wrote into it.
    """
    for draft in drafts_of(proposal, role):
        signed: set[str] = set()
        for delegator in draft.delegators:
            signed |= signatures(delegator, role, draft.metadata).signed.keys()
        if not signed & signers.held(role, *draft.delegators):
            raise ConflictError(
                f"there is a draft of {role} {draft.metadata.signed.version} that the keys of this "
                "machine have not signed, and a change of it would sign all of it",
                remedy=f"Nothing was changed. Sign it first, once you have read it: pe-dvc channel "
                f"sign {role}. To give it up: rm -r {proposal.files.directory / DRAFTS}",
            )


def settle(files: DraftFiles, signers: Signers, *, now: datetime) -> dict[str, int]:
    """Put every draft in force that is signed by enough; return the versions, by role.

    A channel whose keys changed is signed again, by the keys that this machine has of it.
    """
    settled: dict[str, int] = {}
    while landed := _land_next(files, signers, now):
        settled |= landed
    return settled


def _land_next(files: DraftFiles, signers: Signers, now: datetime) -> dict[str, int]:
    proposal = Proposal(files)
    for count in range(len(proposal.drafts), -1, -1):
        roots = [*proposal.in_force, *proposal.drafts[:count]]
        if not roots or not _holds(proposal, proposal.drafts[:count]):
            continue
        new = proposal.targets if files.drafted("targets") else None
        if new is not None and signatures(roots[-1].signed, "targets", new):
            versions = _land_roots(files, proposal, count)
            return versions | _land_targets(files, proposal, signers, now)
        old = proposal.standing.role("targets") if proposal.in_force else None
        if count and old is not None and signatures(roots[-1].signed, "targets", old):
            return _land_roots(files, proposal, count)
    return {}


def _holds(proposal: Proposal, roots: Sequence[Metadata[Root]]) -> bool:
    """Return whether each draft of a root is signed by the root before and by itself."""
    return all(
        signatures(delegator, "root", root)
        for root in roots
        for delegator in proposal.root_delegators(root)
    )


def _land_roots(files: DraftFiles, proposal: Proposal, count: int) -> dict[str, int]:
    versions = [root.signed.version for root in proposal.drafts[:count]]
    for version in versions:
        files.land("root", version)
    return {"root": versions[-1]} if versions else {}


def _land_targets(
    files: DraftFiles, proposal: Proposal, signers: Signers, now: datetime
) -> dict[str, int]:
    targets = proposal.targets
    before = proposal.standing.targets.signed if proposal.in_force else None
    versions = {"targets": targets.signed.version}
    for role in DELEGATED:
        drafted = proposal.role(role) if files.drafted(role) else None
        held = proposal.standing.role(role) if files.in_force.exists(role) else None
        if drafted is not None and (held is None or _made_from(drafted, held)):
            files.land(role, drafted.signed.version)
            versions[role] = drafted.signed.version
            continue
        if drafted is not None:
            files.drop(role, drafted.signed.version)
        if held is None or before is None or signatures(targets.signed, role, held):
            continue
        was_signed = bool(signatures(before, role, held))
        if drafted is not None or was_signed:
            next_version(held, targets.signed, role, now=now)
            if drafted is not None:
                held.signed.version = max(held.signed.version, drafted.signed.version)
            if was_signed:  # what is not may be anyone's, and is signed by those who read it
                signers.sign(targets.signed, role, held)
            files.put_in_force(role, git_form(held))
            versions[role] = held.signed.version
    files.land("targets", targets.signed.version)
    return versions


def _made_from(later: Metadata[Targets], earlier: Metadata[Targets]) -> bool:
    return ancestors(later.signed).get(earlier.signed.version) == digest(earlier)
