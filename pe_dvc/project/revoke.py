"""``pe-dvc revoke`` and ``unrevoke``: what the bucket has, the role in git, the keys here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pe_dvc.primitives.digest import check_sha256
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.reference import Reference
from pe_dvc.primitives.result import Result
from pe_dvc.project.git_channels import GitChannels
from pe_dvc.project.revoke_subjects import Subjects
from pe_dvc.project.signers import signers_of
from pe_dvc.usecases.revoke.change import RoleChange, change_role
from pe_dvc.usecases.revoke.removal import Removal, remove_withdrawn
from pe_dvc.usecases.revoke.withdrawn import (
    ROLE,
    withdrawn_in,
    withdrawn_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.usecases.revoke.affected import Affected
    from pe_dvc.usecases.revoke.withdrawn import Withdrawn


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What stewards say of a withdrawal; ``replacement`` is a pinned reference."""

    reason: str
    authority: str
    contact: str | None = None
    replacement: str | None = None


@dataclass(frozen=True, kw_only=True)
class Revoked(Result):
    """A withdrawal: its ``entries``, what it concerns, and what became of the role in git.

    ``role`` is None of a dry run: nothing was changed.
    """

    entries: tuple[Revocation, ...]
    affected: Affected
    role: RoleChange | None


def revoke(
    repo: DataRepo,
    references: Sequence[str],
    statement: Statement,
    *,
    raw_inputs: Sequence[str] = (),
    dry_run: bool = False,
    store: str | None = None,
) -> Revoked:
    """Write entries for artifacts, and for all that derives from raw inputs (sha256), into git.

    The role is signed with the keys of this machine. Raises FormatError, NotFoundError,
    ConflictError for a draft that others wrote, SignatureError, VerificationError, StoreError.
    """
    if not (references or raw_inputs):
        raise FormatError(
            "nothing is named to revoke", remedy="Name references, or --raw-input SHA256."
        )
    subjects = Subjects(repo, repo.open_store(store), _said(repo, statement))
    known = draft_in_git(repo)
    entries = {
        one.target_path: one
        for one in (
            *(one for text in raw_inputs for one in subjects.raw_input(check_sha256(text), known)),
            # What is said of an artifact itself counts more than what is said of its input.
            *(subjects.artifact(_own(repo, text), known) for text in references),
        )
    }
    found = tuple(entries.values())
    _check_replacement(found, known)
    affected = subjects.affected(found)
    if dry_run:
        return Revoked(entries=found, affected=affected, role=None)
    role = change_role(
        repo.channel_files,
        signers_of(repo),
        add=found,
        committed=GitChannels(repo).newest(ROLE),
        now=datetime.now(UTC),
    )
    return Revoked(entries=found, affected=affected, role=role)


def unrevoke(
    repo: DataRepo,
    references: Sequence[str],
    *,
    raw_inputs: Sequence[str] = (),
    store: str | None = None,
) -> RoleChange:
    """Take entries out of the role in git, and sign it with the keys of this machine.

    Those of artifacts that were withdrawn for a raw input go with it, unless they derive from
    another one that is withdrawn, by their manifests in the bucket. Raises NotFoundError for what
    is not withdrawn, and as ``revoke``.
    """
    known = draft_in_git(repo)
    artifacts = [_pin(_own(repo, text), known) for text in references]
    inputs = [check_sha256(text) for text in raw_inputs]
    for sha256, entries in [
        *((a, known.artifacts) for a in artifacts),
        *((i, known.inputs) for i in inputs),
    ]:
        if sha256 not in entries:
            raise NotFoundError(
                f"sha256:{sha256} is not withdrawn: the role {ROLE} has no such entry",
                remedy="Withdrawn are " + _listed(known) + ".",
            )
    named = [
        one
        for one in _all(known)
        if (one.sha256 in inputs if one.is_input else one.sha256 in artifacts)
    ]
    derived = [one for one in _all(known) if one.raw_input in inputs and one not in named]
    others = {sha256: one for sha256, one in known.inputs.items() if sha256 not in inputs}
    kept = []
    if derived and others:
        subjects = Subjects(repo, repo.open_store(store), {})
        kept = subjects.still_withdrawn(derived, others)
    return change_role(
        repo.channel_files,
        signers_of(repo),
        add=kept,
        remove=[one.target_path for one in (*named, *derived)],
        committed=GitChannels(repo).newest(ROLE),
        now=datetime.now(UTC),
    )


def remove_revoked(repo: DataRepo, *, store: str | None = None) -> Removal:
    """Remove from the bucket what its published role withdraws (``remove_withdrawn``)."""
    bucket = repo.open_store(store)
    return remove_withdrawn(bucket, repo.country, withdrawn_in(bucket, repo.signed_metadata()))


def draft_in_git(repo: DataRepo) -> Withdrawn:
    """Return the entries of the role in the checkout, signed or not."""
    metadata = repo.signed_metadata()
    signed, where = metadata.role(ROLE).signed, metadata.where(ROLE)
    return withdrawn_of(signed, country=repo.country, where=where)


def _said(repo: DataRepo, statement: Statement) -> dict[str, object]:
    replacement = statement.replacement
    return {
        "country": repo.country,
        "reason": statement.reason.strip(),
        "authority": statement.authority.strip(),
        "contact": statement.contact or repo.settings.contact,
        "revoked": datetime.now(UTC).replace(microsecond=0),
        "replacement": None if replacement is None else Reference.parse(replacement),
    }


def _own(repo: DataRepo, text: str) -> Reference:
    """Return a reference to a whole artifact of the repo's country. Raises FormatError."""
    reference = Reference.parse(text)
    if reference.country != repo.country:
        raise FormatError(
            f"{reference} is of another country: this data repo is that of {repo.country!r}, and "
            "its stewards' keys withdraw nothing elsewhere",
        )
    if reference.member is not None:
        raise FormatError(
            f"{reference} is a file of a directory, which is one artifact",
            remedy="Revoke the directory, and publish it again without the file.",
        )
    return reference


def _pin(reference: Reference, known: Withdrawn) -> Sha256:
    if reference.sha256 is None:
        raise FormatError(
            f"{reference} may mean other bytes now: expected a pin, …@sha256:<64 hex digits>",
            remedy="Withdrawn are " + _listed(known) + ".",
        )
    return reference.sha256


def _check_replacement(entries: Sequence[Revocation], known: Withdrawn) -> None:
    """Raise FormatError where readers would be sent to what is refused."""
    now = {one.sha256 for one in entries}
    for one in entries:
        if one.replacement is None or one.replacement.sha256 is None:
            continue
        if one.replacement.sha256 in now:
            raise FormatError(f"the replacement {one.replacement} is itself to be withdrawn")
        if (found := known.artifacts.get(one.replacement.sha256)) is not None:
            raise FormatError(f"the replacement {one.replacement} is itself {found.text}")


def _listed(known: Withdrawn) -> str:
    return ", ".join(one.what for one in _all(known)) or "no artifacts"


def _all(known: Withdrawn) -> list[Revocation]:
    return [*known.artifacts.values(), *known.inputs.values()]
