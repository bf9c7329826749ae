"""Promoting on this machine: declarations, manifests and files of the nominated datasets."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pe_dvc.documents.declaration import read_declarations
from pe_dvc.primitives.errors import FormatError
from pe_dvc.project.channel import write_pointers
from pe_dvc.project.gate_evidence import PointedProfiles, document_of, held_benchmarks
from pe_dvc.project.gate_sources import Sources
from pe_dvc.project.git_channels import GitChannels
from pe_dvc.project.git_manifests import was_committed
from pe_dvc.usecases.channel.hold import refuse_held
from pe_dvc.usecases.channel.pointers import read_pointers, signed_pointers
from pe_dvc.usecases.channel.promote import Evidence, Promoted, nominate, signed_and_draft
from pe_dvc.usecases.channel.source import parse_source, pointers_from

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.usecases.channel.gates import Gate
    from pe_dvc.usecases.channel.source import Source
    from pe_dvc.usecases.progress import Reporter

GROUP = "pe_dvc.gates"
"""Entry point group of gates of other packages (``pe_dvc.usecases.channel.gates.Gate``)."""


def promote(
    repo: DataRepo,
    names: Sequence[str] = (),
    *,
    source: str = "latest",
    override: str | None = None,
    store: str | None = None,
    reporter: Reporter | None = None,
) -> Promoted:
    """Nominate datasets of a source in ``next``, all unless named, and sign with the keys here.

    ``source`` is ``latest`` as git holds it, or what was published (``parse_source``). Raises as
    ``usecases.channel.promote.nominate`` and ``update_channel``; SignatureError for a ``latest``
    that waits for signatures; GateError for a dataset that is held.
    """
    metadata = repo.signed_metadata()
    committed = GitChannels(repo).newest("next")
    sources = Sources(repo, store, reporter)
    found = _pointers(repo, parse_source(source), names, sources)
    standing, draft = signed_and_draft(metadata, committed)
    chosen = [found[name] for name in names or found if name in found]
    latest = signed_pointers(metadata, "latest", GitChannels(repo).newest("latest"))
    refuse_held(latest, standing, chosen)
    evidence = evidence_of(repo, sources, found)
    judged = nominate(found, standing, draft, names, evidence, override=override, source=source)
    update = write_pointers(repo, "next", judged.pointers, committed)
    return Promoted(judged=judged, update=update)


def _pointers(
    repo: DataRepo, source: Source, names: Sequence[str], sources: Sources
) -> dict[str, Pointer]:
    """Return the pointers of a source: all of a channel in git, else those asked for."""
    if source.channel == "latest" and source.version is None:
        return read_pointers(repo.signed_metadata(), "latest")
    if source.channel == "next" and source.version is None:
        raise FormatError(
            "next is not promoted to next", remedy="Name a version: pe-dvc channel log next"
        )
    return pointers_from(source, names, sources.published)


def evidence_of(
    repo: DataRepo, sources: Sources, pointers: Mapping[str, Pointer] | None = None
) -> Evidence:
    """Return what gates judge by: declarations here, manifests and files of the ``sources``.

    ``pointers`` are all of the source, by name, among which other datasets are looked for.
    """
    declarations = read_declarations(repo.dvc.artifacts, country=repo.country)
    gates = {declaration.name: declaration.meta.gates for declaration in declarations}

    def profiles(pointer: Pointer, before: Pointer | None) -> PointedProfiles:
        succeeds = gates[pointer.name].compare_with
        return PointedProfiles(repo, sources, pointer, before, succeeds)

    return Evidence(
        gates=gates,
        manifest=sources.manifest,
        data=sources.data,
        custom=installed_gates(),
        rule=repo.settings.disclosure_rule,
        profiles=profiles,
        benchmarks=partial(held_benchmarks, repo),
        document=partial(document_of, sources, pointers or {}),
        was_here=lambda name: name in gates or was_committed(repo, name),
    )


def installed_gates() -> dict[str, Gate]:
    """Return the gates of the installed packages, by the names of their entry points."""
    from importlib.metadata import entry_points

    return {entry.name: entry.load() for entry in entry_points(group=GROUP)}
