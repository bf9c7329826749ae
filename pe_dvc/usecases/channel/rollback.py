"""``pe-dvc channel rollback``: datasets of a channel go back to what was published earlier.

A new version, as readers take no older one; the reason is signed beside each pointer. Gates are
measured and reported, and stop nothing: a rollback takes readers to what they had.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.override import OVERRIDE, without_values
from pe_dvc.documents.pointer import pointers_of
from pe_dvc.documents.pointer_notes import HOLD, TOTALS, rollback_note
from pe_dvc.primitives.errors import PeDvcError
from pe_dvc.trust.ancestry import note_superseded, plain
from pe_dvc.trust.verify import signatures
from pe_dvc.usecases.channel.build_pointers import is_same
from pe_dvc.usecases.channel.next_version import next_version, set_targets
from pe_dvc.usecases.channel.promote import judged_pointer, sentences_of
from pe_dvc.usecases.channel.update import changes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.trust.signed_metadata import SignedMetadata
    from pe_dvc.trust.signers import Signers
    from pe_dvc.usecases.channel.promote import Evidence
    from pe_dvc.usecases.channel.rollback_base import RollbackBase
    from pe_dvc.usecases.channel.source import Source
    from pe_dvc.usecases.channel.update import ChannelUpdate


@dataclass(frozen=True, kw_only=True)
class Back:
    """Why a channel goes back, to what, and who says so."""

    to: Source
    reason: str
    by: str


@dataclass(frozen=True, kw_only=True)
class RolledBack:
    """What became of a channel; ``gates`` says what gates would have said against it.

    Of ``latest``: ``restored`` are the manifests that were written, ``files`` those of the data,
    each by its pinned reference. ``commit`` is the one in git whose ``dvc_files`` (``dvc.lock``,
    ``*.dvc``) go with them, None if none goes with all.
    """

    update: ChannelUpdate
    to: str
    went_back: tuple[str, ...]
    gates: tuple[str, ...]
    restored: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    commit: str | None = None
    dvc_files: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            **self.update.to_json(),
            "to": self.to,
            "went_back": list(self.went_back),
            "gates": list(self.gates),
            "restored": list(self.restored),
            "files": dict(self.files),
            "commit": self.commit,
            "dvc_files": list(self.dvc_files),
        }


def go_back(
    chosen: Mapping[str, Pointer], standing: Mapping[str, Pointer], evidence: Evidence, back: Back
) -> tuple[dict[str, Pointer], tuple[str, ...]]:
    """Return what the ``chosen`` datasets become, by name, and what gates say.

    ``standing`` is the channel as it stands. What it has already stays as it is.
    """
    found, said = {}, []
    for name, pointer in sorted(chosen.items()):
        before = standing.get(name)
        if before is not None and is_same(before, pointer):
            found[name] = before
            continue
        measured, failures = gates_say(pointer, before, evidence)
        said += failures
        found[name] = replace(pointer, notes=_notes(before, measured, back))
    return found, tuple(said)


def write_rollback(
    git: SignedMetadata,
    channel: str,
    base: RollbackBase,
    pointers: Mapping[str, Pointer],
    signers: Signers,
    *,
    now: datetime,
) -> ChannelUpdate:
    """Make ``pointers`` the whole content of a channel, as the next version of ``base``.

    Its number is above all that are taken. Signed with the keys of this machine. Raises
    FormatError, SignatureError.
    """
    metadata, delegator = base.metadata, git.targets.signed
    before = plain(metadata.signed)
    wanted = {pointer.target_path: pointer.to_target() for pointer in pointers.values()}
    pointers_of(wanted, country=git.country, channel=channel, where=f"channel {channel}")
    if wanted != before:
        next_version(metadata, delegator, channel, now=now)
        metadata.signed.version = max(metadata.signed.version, base.taken + 1)
        moved = {path for path in wanted if wanted[path] != before.get(path)}
        kept = {path: had for path, had in base.superseded.items() if path not in moved}
        note_superseded(metadata.signed, kept)
        set_targets(metadata.signed, wanted)
    signers.sign(delegator, channel, metadata)
    git.files.write(channel, metadata)
    result = signatures(delegator, channel, metadata)
    return changes(channel, before, wanted, metadata, result)


def gates_say(
    pointer: Pointer, before: Pointer | None, evidence: Evidence
) -> tuple[dict[str, Any], list[str]]:
    """Return the notes and sentences of the gates; what cannot be measured stops nothing."""
    notes = without_values(pointer.notes)
    kept = {key: note for key, note in notes.items() if key in (TOTALS, OVERRIDE)}
    try:
        judged = judged_pointer(pointer, before, evidence)
    except PeDvcError as error:
        why = "" if evidence.rule.is_gated else f": {error.message}"
        return kept, [f"{pointer.name}: its gates could not be measured{why}"]
    said = sentences_of(judged.failures, evidence.rule)
    return {**kept, **judged.notes(evidence.rule)}, said


def _notes(before: Pointer | None, measured: Mapping[str, Any], back: Back) -> dict[str, Any]:
    held = {HOLD: before.notes[HOLD]} if before and HOLD in before.notes else {}
    left = before.sha256 if before else None
    note = rollback_note(left=left, to=str(back.to), reason=back.reason, by=back.by)
    return {**measured, **held, **note}


def kept_of(
    channel: str, names: Sequence[str], chosen: Mapping[str, Pointer], rest: Mapping[str, Pointer]
) -> dict[str, Pointer]:
    """Return what stays beside what goes back: of ``next`` without names, nothing does.

    Of ``latest`` everything that the earlier version did not have: dvc.yaml still declares it.
    """
    if channel == "next" and not names:
        return {}
    return {name: pointer for name, pointer in rest.items() if name not in chosen}
