"""What a signature of a role stands for: what its draft changes, for people who are to sign it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.override import OVERRIDE, without_values
from pe_dvc.documents.pointer import Pointer
from pe_dvc.documents.pointer_notes import TOTALS
from pe_dvc.documents.revocation import Revocation
from pe_dvc.primitives.errors import ConflictError
from pe_dvc.primitives.reference import CHANNELS
from pe_dvc.primitives.result import Result
from pe_dvc.trust.ancestry import plain
from pe_dvc.trust.proposal import Proposal
from pe_dvc.trust.roles import DELEGATED, TOP_LEVEL
from pe_dvc.trust.tuf_api import Root, Targets
from pe_dvc.trust.verify import key_names, parse, role_of
from pe_dvc.usecases.channel.field_changes import FieldChanged, field_changes
from pe_dvc.usecases.channel.role_status import DRAFTED, RoleStatus, status_of
from pe_dvc.usecases.channel.roles import digest_to_sign, to_sign

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.trust.ancestry import Committed
    from pe_dvc.trust.draft_files import DraftFiles
    from pe_dvc.trust.tuf_api import Metadata
    from pe_dvc.usecases.channel.drafts import Vouching


@dataclass(frozen=True, kw_only=True)
class KeysChanged(Result):
    """How the keys of a role change: ids with names where they have one; thresholds."""

    added: dict[str, str | None]
    removed: dict[str, str | None]
    threshold_before: int | None
    threshold: int


@dataclass(frozen=True, kw_only=True)
class EntryChanged(Result):
    """How an entry changes, such as a pointer: its sha256, None where there is none.

    ``remarks`` are signed with it: an override with its reason, a hold. ``failed`` are the gates
    that failed when it was nominated.
    """

    before: str | None
    after: str | None
    remarks: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Review(Result):
    """What a role would change, against ``base``, and who signed it; ``digest`` identifies it.

    ``status`` has an entry for each version, of a root perhaps several. ``fields`` are what root
    and targets sign beside keys: the log, witnesses, mirrors, expiry. ``gates`` says how the gates
    judge what ``next`` would nominate.
    """

    role: str
    status: tuple[RoleStatus, ...]
    digest: str
    base: str
    keys: dict[str, KeysChanged] = field(default_factory=dict)
    entries: dict[str, EntryChanged] = field(default_factory=dict)
    fields: tuple[FieldChanged, ...] = ()
    gates: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether enough have signed."""
        return not any(status.missing for status in self.status)


def review(files: DraftFiles, role: str, *, now: datetime, committed: Committed) -> Review:
    """Return what ``sign_role`` would sign of a role, against what was signed before.

    That is what is in force; of a role that has no draft beside it, the newest version that git's
    history holds signed, ``committed``. Raises as ``sign_role``.
    """
    held, drafted = to_sign(files, role), files.drafted(role)
    proposal = Proposal(files)
    base = _base(proposal, role, committed)
    newest = held[-1].metadata.signed
    return Review(
        role=role,
        status=tuple(status_of(role, one, now=now, draft=drafted) for one in held),
        digest=digest_to_sign(files, role),
        base=f"{role} {base.version}" if base else "nothing: this is the first",
        keys=_keys(role, base, newest) if role in DRAFTED else {},
        entries=_entries(role, base, newest) if role != "root" else {},
        fields=_fields(files.country, role, base, held),
    )


def _base(proposal: Proposal, role: str, committed: Committed) -> Root | Targets | None:
    if role == "root":
        return proposal.in_force[-1].signed if proposal.in_force else None
    if proposal.files.drafted(role):
        return proposal.standing.role(role).signed if proposal.in_force else None
    if role == "targets" or not committed.data:
        return proposal.standing.role(role).signed if role == "targets" else None
    metadata: Metadata[Targets] = parse(Targets, committed.data, where=committed.where)
    return metadata.signed


def _keys(role: str, base: Root | Targets | None, newest: Root | Targets) -> dict[str, KeysChanged]:
    changed: dict[str, KeysChanged] = {}
    for one in TOP_LEVEL if role == "root" else DELEGATED:
        before = role_of(base, one) if base is not None else None
        after = role_of(newest, one)
        had, has = set(before.keyids if before else ()), set(after.keyids)
        threshold = before.threshold if before else None
        if had == has and threshold == after.threshold:
            continue
        names = (key_names(base, one) if base is not None else {}) | key_names(newest, one)
        changed[one] = KeysChanged(
            added={keyid: names.get(keyid) for keyid in sorted(has - had)},
            removed={keyid: names.get(keyid) for keyid in sorted(had - has)},
            threshold_before=threshold,
            threshold=after.threshold,
        )
    return changed


def _fields(
    country: str, role: str, base: Root | Targets | None, held: Sequence[Vouching]
) -> tuple[FieldChanged, ...]:
    if role not in DRAFTED:
        return ()
    drafts = [one.metadata.signed for one in held]
    return field_changes(country, base, [one for one in drafts if one != base])


def _entries(
    role: str, base: Root | Targets | None, newest: Root | Targets
) -> dict[str, EntryChanged]:
    assert isinstance(newest, Targets)
    before = plain(base) if isinstance(base, Targets) else {}
    after = plain(newest)
    return {
        path.split("/", 2)[-1]: _entry(role, path, before.get(path), after.get(path))
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    }


def _entry(
    role: str, path: str, before: Mapping[str, Any] | None, after: dict[str, Any] | None
) -> EntryChanged:
    remarks: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    if role in CHANNELS and after is not None:
        pointer = Pointer.from_target(path, after)
        remarks = tuple(pointer.remarks)
        note = without_values(pointer.notes).get(OVERRIDE)
        if isinstance(note, dict) and isinstance(note.get("failed"), list):
            failed = tuple(str(one) for one in note["failed"])
    if role == "revoked" and after is not None:
        remarks = (Revocation.from_target(path, after).text,)
    return EntryChanged(
        before=_sha256(before), after=_sha256(after), remarks=remarks, failed=failed
    )


def refuse_untrue(pointer: Pointer, measured: Mapping[str, Any], manifest: Manifest) -> None:
    """Raise ConflictError unless a nomination says of its data what is so.

    ``measured`` are the notes that its gates give now: the next nomination is compared with them.
    """
    said = {"bytes": pointer.size, TOTALS: pointer.notes.get(TOTALS)}
    is_so = {"bytes": manifest.artifact.size, TOTALS: measured.get(TOTALS)}
    wrong = [what for what in said if said[what] != is_so[what]]
    if wrong:
        raise ConflictError(
            f"the draft of {pointer.channel} is not what was nominated of {pointer.name}: its "
            f"{' and '.join(wrong)} are not those of sha256:{pointer.sha256}",
            remedy="Nothing was signed. Ask who changed the draft, or the gates; to nominate it "
            f"again: pe-dvc channel promote latest {pointer.channel} {pointer.name}",
        )


def _sha256(target: Mapping[str, Any] | None) -> str | None:
    return str(target["hashes"]["sha256"]) if target else None
