"""Who signed a role in git, or a draft of it, who did not, and how many still must."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pe_dvc.primitives.result import Result
from pe_dvc.primitives.sizes import counted
from pe_dvc.trust.proposal import Proposal
from pe_dvc.trust.roles import DELEGATED, utc
from pe_dvc.trust.verify import key_names, key_text, role_of, signatures
from pe_dvc.usecases.channel.drafts import Vouching, drafts_of, uncounted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.trust.draft_files import DraftFiles

DRAFTED = ("root", "targets")
"""The roles whose drafts lie beside what is in force; those of channels lie in its place."""


@dataclass(frozen=True, kw_only=True)
class Need(Result):
    """How many more signatures are needed, and the ids of the keys that may give them."""

    signatures: int
    of: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RoleStatus(Result):
    """One role in git: who signed (key ids), how many signatures are missing, until when.

    ``names`` are those of the keys that have one, by key id. ``fingerprint`` is that of the root,
    by which readers pin it; other roles have none. A ``draft`` is not in force, and what is stands
    beside it. ``needs`` has an entry for each set of keys of which too few signed: a new root
    needs the keys of the root before and its own. ``uncounted`` are the keys whose signature does
    not count: they are not of the role, or they signed an earlier draft.
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
    draft: bool = False
    needs: tuple[Need, ...] = ()
    uncounted: tuple[str, ...] = ()

    def key(self, keyid: str) -> str:
        """Return a key's name and the start of its id, as messages have it."""
        return key_text(keyid, self.names)

    @property
    def request(self) -> str:
        """Who must still sign, and how; empty where enough have signed."""
        wanted = [
            f"{counted(need.signatures, 'more signature')}, of "
            + " or ".join(sorted(self.key(keyid) for keyid in need.of))
            for need in self.needs
        ]
        if not wanted:
            return ""
        return f"needs {', and '.join(wanted)}: pe-dvc channel sign {self.role}"


def status_of(role: str, held: Vouching, *, now: datetime, draft: bool = False) -> RoleStatus:
    """Return how metadata stands; of several delegators each must find enough signatures."""
    metadata, needs = held.metadata, list[Need]()
    signed, unsigned, names = set[str](), set[str](), dict[str, str]()
    for delegator in held.delegators:
        result = signatures(delegator, role, metadata)
        signed |= result.signed.keys()
        unsigned |= result.unsigned.keys()
        names |= key_names(delegator, role)
        needs.append(Need(signatures=result.missing, of=tuple(sorted(result.unsigned))))
    if role != "root" and not all(need.signatures for need in needs):
        needs = []  # it counts by the keys in force, or by those of the next root
    needs = [need for need in dict.fromkeys(needs) if need.signatures]
    return RoleStatus(
        role=role,
        version=metadata.signed.version,
        expires=metadata.signed.expires,
        expired=metadata.signed.is_expired(utc(now)),
        threshold=role_of(held.delegators[-1], role).threshold,
        signed_by=tuple(sorted(signed)),
        unsigned_by=tuple(sorted(unsigned)),
        missing=max((need.signatures for need in needs), default=0),
        names=names,
        draft=draft,
        needs=tuple(needs),
        uncounted=tuple(uncounted(held, role)),
    )


def waiting_drafts(files: DraftFiles, *, now: datetime) -> tuple[RoleStatus, ...]:
    """Return how the drafts of root and targets stand, and before the first root all roles'."""
    proposal = Proposal(files)
    roles = [role for role in (*DRAFTED, *DELEGATED) if files.drafted(role)]
    return tuple(
        status_of(role, draft, now=now, draft=True)
        for role in roles
        for draft in drafts_of(proposal, role)
    )


def sentences(drafts: tuple[RoleStatus, ...]) -> Mapping[str, str]:
    """Return for each draft of root and targets who must still sign it, by role and version."""
    return {
        f"{one.role} {one.version}": one.request or "waits for the draft of root or targets"
        for one in drafts
        if one.role in DRAFTED
    }
