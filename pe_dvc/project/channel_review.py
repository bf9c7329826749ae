"""What is to be signed, on this machine: drafts of the clone, judged by the gates of ``next``."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import PeDvcError
from pe_dvc.primitives.reference import CHANNELS
from pe_dvc.project.git_channels import GitChannels
from pe_dvc.project.signers import signers_of
from pe_dvc.trust.ancestry import Committed
from pe_dvc.trust.roles import DELEGATED
from pe_dvc.usecases.channel.review import refuse_untrue, review
from pe_dvc.usecases.channel.roles import to_sign

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.usecases.channel.review import Review
    from pe_dvc.usecases.progress import Reporter

JUDGED = "next"
"""The channel that gates guard."""


def review_to_sign(
    repo: DataRepo,
    role: str,
    *,
    gates: bool = True,
    store: str | None = None,
    reporter: Reporter | None = None,
) -> Review:
    """Return what ``review_role`` does, for a holder of the role's key.

    Raises SignatureError, which says where keys are looked for, before anything is fetched.
    """
    signers = signers_of(repo)
    for held in to_sign(repo.draft_files, role):
        first, *also = held.delegators
        signers.check_any(first, role, *also)
    return review_role(repo, role, gates=gates, store=store, reporter=reporter)


def review_role(
    repo: DataRepo,
    role: str,
    *,
    gates: bool = True,
    store: str | None = None,
    reporter: Reporter | None = None,
) -> Review:
    """Return what a signature of a role would stand for, with what gates say of ``next``.

    Gates need the files; what is not in the clone is fetched from the store.
    """
    repo.check_root()
    files = repo.draft_files
    in_place = role in DELEGATED and not files.drafted(role)
    committed = GitChannels(repo).newest(role) if in_place else Committed(data=b"", where=role)
    found = review(files, role, now=datetime.now(UTC), committed=committed)
    if role != JUDGED or not in_place or not gates or not found.entries:
        return found
    return replace(found, gates=_gates(repo, found, committed, store, reporter))


def _gates(
    repo: DataRepo,
    found: Review,
    committed: Committed,
    store: str | None,
    reporter: Reporter | None,
) -> tuple[str, ...]:
    from pe_dvc.project.channel_promote import evidence_of
    from pe_dvc.project.gate_sources import Sources
    from pe_dvc.usecases.channel.promote import before_of, signed_and_draft
    from pe_dvc.usecases.channel.rollback import gates_say

    standing, draft = signed_and_draft(repo.signed_metadata(), committed)
    evidence = evidence_of(repo, Sources(repo, store, reporter), draft)
    said: list[str] = []
    for name in (name for name in found.entries if name in draft):
        measured, failures = gates_say(draft[name], before_of(name, standing, evidence), evidence)
        said += failures or [f"{name}: its gates passed"]
        try:
            manifest = evidence.manifest(draft[name])
        except PeDvcError:  # then the gates say that they could not be measured
            continue
        refuse_untrue(draft[name], measured, manifest)
    return tuple(said)


def pending_review(repo: DataRepo, channel: str, published: Callable[[str], int]) -> Review | None:
    """Return what the clone has of a channel that readers do not see yet; None for nothing.

    That is a draft, or a newer version than the one that ``published`` tells.
    """
    if channel not in CHANNELS or not repo.channel_files.exists():
        return None
    found = review_role(repo, channel, gates=False)
    (status,) = found.status[-1:]
    if found.is_complete and status.version <= published(channel):
        return None
    return found


def pending_pointers(repo: DataRepo, channel: str) -> Mapping[str, Pointer]:
    """Return the pointers of a channel as they stand in the clone, signed or not."""
    from pe_dvc.usecases.channel.pointers import draft_pointers

    return draft_pointers(repo.signed_metadata(), channel)
