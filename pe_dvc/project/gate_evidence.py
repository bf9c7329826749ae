"""What gates ask for on this machine: profiles, benchmarks, and documents of other datasets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.dvc.yaml import read_yaml
from pe_dvc.documents.benchmarks import calibrated, read_benchmarks, read_calibration
from pe_dvc.documents.profile import Profile
from pe_dvc.documents.sidecar_files import PROFILE
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.project.earlier_states import EarlierStates, labelled
from pe_dvc.project.profile import committed_profile
from pe_dvc.store.plain_files import read_document
from pe_dvc.usecases.channel.nomination import HeldBenchmarks
from pe_dvc.usecases.checkout.profile_plan import plan_profile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pe_dvc.documents.calibration_diagnostics import Calibration
    from pe_dvc.documents.gates import Gates
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.project.gate_sources import Sources
    from pe_dvc.project.repo import DataRepo


@dataclass(frozen=True)
class PointedProfiles:
    """The profiles of what a pointer signs, and of what was published before it."""

    repo: DataRepo
    sources: Sources
    pointer: Pointer
    standing: Pointer | None
    succeeds: str | None = None
    """The dataset that this one succeeds, by its gates."""

    def after(self) -> Profile:
        """Return that of the nominated one; made of its file, where it has none."""
        return self.known() or self._made

    def known(self) -> Profile | None:
        """Return the same, None where it would have to be made."""
        return self._known

    def before(self) -> Profile | None:
        """Return that of the one in the channel, None where there is none."""
        return self._before

    # Read once, whatever the number of gates that ask.
    @cached_property
    def _known(self) -> Profile | None:
        return self._of(self.pointer)

    @cached_property
    def _before(self) -> Profile | None:
        return self._of(self.standing) if self.standing is not None else None

    def earlier(self) -> Mapping[str, Profile | None]:
        """Return those of the channel, of the release before, and of a year ago."""
        name = self.pointer.name
        found: dict[str, Profile | None] = {}
        if self.standing is not None and (before := self.before()):
            found[labelled(self.standing.channel, self.standing, name)] = before
        names = [name, *([self.succeeds] if self.succeeds else [])]
        states = EarlierStates(repo=self.repo, sources=self.sources, names=names, profile=self._of)
        return found | states.profiles()

    @cached_property
    def _made(self) -> Profile:
        from pe_dvc.adapters.tables.profile import profile_of

        manifest = self.sources.manifest(self.pointer)
        plans = plan_profile(manifest.table)
        if not plans:
            raise NotFoundError(
                f"{self.pointer.name} has no tables, so it has no profile",
                remedy="Remove what asks for one from meta.pe.gates.",
            )
        file = self.sources.file(self.pointer, manifest)
        return profile_of(file, manifest.table.format, plans)

    def _of(self, pointer: Pointer) -> Profile | None:
        manifest = self.sources.manifest(pointer)
        if PROFILE not in manifest.sidecars:
            return None
        return committed_profile(self.repo, manifest) or self._published(pointer)

    def _published(self, pointer: Pointer) -> Profile:
        reader = self.sources.reader
        data = reader.sidecar(reader.resolve_pointer(pointer), PROFILE) or b""
        return Profile.from_bytes(data, where=f"the profile of {pointer.name}")


def held_benchmarks(repo: DataRepo, gates: Gates) -> HeldBenchmarks | None:
    """Return the benchmarks that gates name, with what a model computed. Raises FormatError."""
    if gates.benchmarks is None and gates.measure is not None:
        raise FormatError(
            f"names {gates.measure}, and no benchmark asks for its figures",
            where="meta.pe.gates.measure",
            remedy="Name the file of benchmarks as benchmarks, or remove measure.",
        )
    if gates.benchmarks is None:
        return None
    data = repo.tree.read(gates.benchmarks)
    content = read_yaml(data, gates.benchmarks)
    found = read_benchmarks(content, file=gates.benchmarks)
    files = {gates.benchmarks: str(sha256_bytes(data))}
    figures: Mapping[str, Any] = {}
    if gates.measure is not None:
        measured = repo.tree.read(gates.measure)
        files[gates.measure] = str(sha256_bytes(measured))
        figures = _figures(measured, gates.measure)
    held = HeldBenchmarks(benchmarks=found, figures=figures, measure=gates.measure, files=files)
    chosen = read_calibration(content, file=gates.benchmarks)
    return held if chosen is None else _with_targets(held, chosen, repo.tree.read(chosen.file))


def _with_targets(held: HeldBenchmarks, chosen: Calibration, data: bytes) -> HeldBenchmarks:
    """Return the benchmarks with the targets of a calibration, and what it estimated."""
    targets = calibrated(read_json(data, what="diagnostics", where=chosen.file), chosen)
    known = held.figures.keys() | {one.name for one in held.benchmarks}
    if twice := next((one.name for one, _ in targets if one.name in known), None):
        raise FormatError(
            f"the target {twice!r} has the name of another benchmark or figure",
            where=chosen.file,
            remedy="Rename that one, or choose other targets.",
        )
    return replace(
        held,
        benchmarks=held.benchmarks + tuple(target for target, _ in targets),
        figures={**held.figures, **{target.name: estimate for target, estimate in targets}},
        files={**held.files, chosen.file: str(sha256_bytes(data))},
    )


def _figures(data: bytes, file: str) -> Mapping[str, Any]:
    found = read_json(data, what="a file of figures", where=file)
    if not isinstance(found, dict):
        raise FormatError(
            "expected an object of figures",
            where=file,
            remedy='Write {"universal_credit": 75800000000}, or an object of years for each.',
        )
    return found


def document_of(sources: Sources, pointers: Mapping[str, Pointer], name: str) -> Any:
    """Return a JSON dataset of the source. Raises NotFoundError, FormatError."""
    if name not in pointers:
        raise NotFoundError(
            f"there is no dataset {name!r} beside the nominated one",
            remedy="Correct the name in meta.pe.gates.evidence.",
        )
    pointer = pointers[name]
    manifest = sources.manifest(pointer)
    data = read_document(sources.path(pointer, manifest))
    return read_json(data, what="evidence", where=manifest.artifact.path)
