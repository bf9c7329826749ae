"""Promote: nominate datasets of ``latest`` in ``next``, past the gates that they declare.

What is compared with is the last ``next`` that was signed, never a draft under review, so that
no dataset slips by in two steps. The weighted totals of a nominated dataset are signed with its
pointer: the next comparison needs no payload of the old one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.disclosure import GATED
from pe_dvc.documents.gate_note import GATES, GateResults
from pe_dvc.documents.override import OVERRIDE, override_note, without_values
from pe_dvc.documents.pointed_file import PointedFile
from pe_dvc.documents.pointer import pointers_of
from pe_dvc.documents.pointer_notes import TOTALS
from pe_dvc.primitives.errors import FormatError, GateError, NotFoundError, SignatureError
from pe_dvc.primitives.sizes import counted
from pe_dvc.trust.ancestry import plain
from pe_dvc.trust.tuf_api import Targets
from pe_dvc.trust.verify import parse
from pe_dvc.usecases.channel.build_pointers import is_same
from pe_dvc.usecases.channel.gate_results import results_note
from pe_dvc.usecases.channel.gates import judge
from pe_dvc.usecases.channel.nomination import Nomination, NoProfiles
from pe_dvc.usecases.channel.pointers import draft_pointers, read_pointers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pe_dvc.documents.disclosure import Disclosure, Total
    from pe_dvc.documents.gates import Gates
    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.trust.ancestry import Committed
    from pe_dvc.trust.signed_metadata import SignedMetadata
    from pe_dvc.usecases.channel.gate_failures import Failure, ForeignFailures
    from pe_dvc.usecases.channel.gate_results import Measured
    from pe_dvc.usecases.channel.gates import Gate
    from pe_dvc.usecases.channel.nomination import Data, HeldBenchmarks, Profiles
    from pe_dvc.usecases.channel.update import ChannelUpdate


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Where a promotion finds what it judges."""

    gates: Mapping[str, Gates]
    """Of each declared dataset."""
    manifest: Callable[[Pointer], Manifest]
    data: Callable[[Pointer, Manifest], Data]
    custom: Mapping[str, Gate]
    rule: Disclosure = GATED
    """What may be said of the data."""
    profiles: Callable[[Pointer, Pointer | None], Profiles] | None = None
    """Of a nominated dataset, and what was in the channel before."""
    benchmarks: Callable[[Gates], HeldBenchmarks | None] | None = None
    document: Callable[[str], Any] | None = None
    was_here: Callable[[str], bool] = lambda _: True
    """Whether the repo ever had a dataset of that name."""


@dataclass(frozen=True, kw_only=True)
class JudgedDataset:
    """What the gates found of one dataset: failures, every result, and totals."""

    failures: list[Failure | ForeignFailures]
    results: list[Measured]
    totals: Mapping[str, Total]

    def notes(self, rule: Disclosure) -> dict[str, Any]:
        """Return what is signed of it."""
        note = results_note(self.results, rule)
        return {**totals_note(self.totals, rule), **({GATES: note} if note else {})}


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What is to be in ``next``, and the failures that a reason overrode, as they may be said."""

    pointers: tuple[Pointer, ...]
    checked: tuple[str, ...]
    """The datasets that went through the gates: those that are not in ``next`` as they are."""
    overridden: tuple[str, ...]
    failed: tuple[str, ...] = ()
    """Those of the checked that failed, and are nominated in spite of it."""
    results: GateResults = field(default_factory=GateResults)
    """What every gate found of the checked, as it may be said."""


@dataclass(frozen=True, kw_only=True)
class Promoted:
    """What a promotion checked and overrode, and what became of ``next``."""

    judged: Judged
    update: ChannelUpdate

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            **self.update.to_json(),
            "checked": list(self.judged.checked),
            "failed": list(self.judged.failed),
            "overridden": list(self.judged.overridden),
            "results": {
                name: [one.to_note() for one in results]
                for name, results in self.judged.results.items()
            },
        }


def signed_and_draft(
    metadata: SignedMetadata, committed: Committed
) -> tuple[dict[str, Pointer], dict[str, Pointer]]:
    """Return the pointers of the last ``next`` that was signed, and of the one in the work tree.

    ``committed`` is the newest that git holds signed; without one the work tree's counts, if it is
    signed itself.
    """
    read = partial(pointers_of, country=metadata.country, channel="next")
    draft = draft_pointers(metadata, "next")
    if committed.data:
        signed = plain(parse(Targets, committed.data, where=committed.where).signed)
        return read(signed, where=committed.where), draft
    try:
        return read_pointers(metadata, "next"), draft
    except SignatureError:
        return {}, draft


def nominate(
    latest: Mapping[str, Pointer],
    standing: Mapping[str, Pointer],
    draft: Mapping[str, Pointer],
    names: Sequence[str],
    evidence: Evidence,
    *,
    override: str | None = None,
    source: str = "latest",
) -> Judged:
    """Judge the datasets ``names`` of ``latest``, all unless named, and return what next becomes.

    ``latest`` is what messages call ``source``. ``standing`` is the last signed ``next`` and
    ``draft`` what lies in git now. Without names ``next`` will have what the source has; with names
    the others stay. Raises GateError for failures without ``override``, a reason; NotFoundError
    for a name that the source lacks.
    """
    if override is not None and not override.strip():
        raise FormatError(
            "an override needs a reason", remedy="Give the reason, for those who review it."
        )
    _check_names(latest, names, source)
    chosen = {name: _nominated(latest[name]) for name in names or latest}
    kept = {name: _again(draft[name]) for name in draft if names and name not in chosen}
    checked: list[str] = []
    failed: list[str] = []
    failures: list[str] = []
    results = GateResults()
    for name, pointer in sorted(chosen.items()):
        before = before_of(name, standing, evidence)
        if name in standing and before is not None and is_same(before, pointer):
            chosen[name] = _again(before)
            continue
        checked.append(name)
        judged = judged_pointer(pointer, before, evidence)
        failed += [name] if judged.failures else []
        failures += sentences_of(judged.failures, evidence.rule)
        results[name] = tuple(one.result(evidence.rule) for one in judged.results)
        chosen[name] = replace(pointer, notes=_notes(judged, override, evidence.rule))
    if failures and override is None:
        raise gates_failed(
            failures,
            results=results,
            so="nothing was nominated",
            remedy="Fix the data, change meta.pe.gates, or nominate it anyway "
            "with --override REASON, which is signed beside it.",
        )
    return Judged(
        pointers=tuple({**kept, **chosen}.values()),
        checked=tuple(checked),
        overridden=tuple(failures),
        failed=tuple(failed),
        results=results,
    )


def before_of(name: str, standing: Mapping[str, Pointer], evidence: Evidence) -> Pointer | None:
    """Return what a dataset is compared with: itself as it stands, else the one it succeeds.

    Raises FormatError for one that it succeeds and that never was: its name is misspelt.
    """
    gates = evidence.gates.get(name)
    succeeded = (gates and gates.compare_with) or ""
    found = standing.get(name) or standing.get(succeeded)
    if found is None and succeeded and not evidence.was_here(succeeded):
        raise FormatError(
            f"names {succeeded!r}, which is not in next, and of which git has no manifest",
            where=f"meta.pe.gates.compare_with of {name}",
            remedy="Correct the name, or remove it. A shallow clone may not have it.",
        )
    return found


def signed_totals(pointer: Pointer | None) -> dict[str, float]:
    """Return the totals that were signed with a pointer, by column. Raises FormatError."""
    found = pointer.notes.get(TOTALS, {}) if pointer else {}
    try:
        return {str(column): float(text) for column, text in found.items()}
    except (AttributeError, TypeError, ValueError):
        where = pointer.target_path if pointer else None
        raise FormatError(f"{TOTALS} are {found!r}: expected numbers", where=where) from None


def judged_pointer(pointer: Pointer, before: Pointer | None, evidence: Evidence) -> JudgedDataset:
    """Return what gates find of a pointer after ``before``.

    Raises NotFoundError for a dataset without a declaration.
    """
    if pointer.name not in evidence.gates:
        raise NotFoundError(
            f"dvc.yaml declares no dataset {pointer.name!r}, so its gates are not known",
            remedy="Promote from the checkout that built latest.",
        )
    manifest, gates = evidence.manifest(pointer), evidence.gates[pointer.name]
    artifact = manifest.artifact
    pointer.check_described(PointedFile.of_artifact(artifact), artifact.size, who=pointer.name)
    nomination = Nomination(
        name=pointer.name,
        gates=gates,
        before=evidence.manifest(before) if before else None,
        after=manifest,
        totals=signed_totals(before),
        data=evidence.data(pointer, manifest),
        rule=evidence.rule,
        profiles=evidence.profiles(pointer, before) if evidence.profiles else NoProfiles(),
        benchmarks=evidence.benchmarks(gates) if evidence.benchmarks else None,
        document=evidence.document,
    )
    failures = judge(nomination, evidence.custom)
    return JudgedDataset(failures=failures, results=nomination.results, totals=nomination.measured)


def _notes(judged: JudgedDataset, override: str | None, rule: Disclosure) -> dict[str, Any]:
    notes = judged.notes(rule)
    if judged.failures and override is not None:
        notes[OVERRIDE] = override_note(override, sentences_of(judged.failures, rule.signed))
    return notes


def sentences_of(failures: list[Failure | ForeignFailures], rule: Disclosure) -> list[str]:
    """Return what may be said of failures."""
    return [sentence for failure in failures for sentence in failure.sentences(rule)]


def _again(pointer: Pointer) -> Pointer:
    """Return a pointer that stays, without values that an earlier version signed beside it."""
    return replace(pointer, notes=without_values(pointer.notes))


def _nominated(pointer: Pointer) -> Pointer:
    return replace(pointer, channel="next", notes={})


def _check_names(latest: Mapping[str, Pointer], names: Sequence[str], source: str) -> None:
    unknown = next((name for name in names if name not in latest), None)
    if unknown is not None:
        raise NotFoundError(
            f"{source} has no dataset {unknown!r}",
            remedy=f"It has {', '.join(latest) or 'none'}.",
        )


def totals_note(measured: Mapping[str, Total], rule: Disclosure) -> dict[str, Any]:
    """Return the note of the totals that were measured, those that may be signed."""
    signed = {column: rule.signed_total(total) for column, total in measured.items()}
    totals = {column: total for column, total in signed.items() if total is not None}
    return {TOTALS: totals} if totals else {}


def gates_failed(
    failures: Sequence[str],
    *,
    so: str,
    remedy: str,
    results: GateResults | None = None,
) -> GateError:
    """Return the error that names every failure; ``so`` says what became of the channel."""
    message = "\n  ".join([f"{counted(len(failures), 'gate')} failed, so {so}:", *failures])
    return GateError(message, failures=tuple(failures), remedy=remedy, results=results)
