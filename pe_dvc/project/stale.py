"""``pe-dvc stale``: published datasets against packages, files and sources as they are now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import TYPE_CHECKING

from pe_dvc.adapters.current_package import current_package, named_package
from pe_dvc.documents.staleness import (
    Comparison,
    CurrentPackage,
    Staleness,
    compare_age,
    compare_digest,
    compare_package,
    not_checked,
)
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import FormatError, NotFoundError, RevokedError
from pe_dvc.primitives.names import is_country
from pe_dvc.primitives.reference import Reference
from pe_dvc.project.reader import Reader
from pe_dvc.project.repo import DataRepo
from pe_dvc.project.stale_here import FilesHere

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import timedelta
    from pathlib import Path

    from pe_dvc.adapters.sources import AtSource
    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.documents.provenance import InputFile, Inputs, Origin
    from pe_dvc.usecases.read.resolve import Resolved

NO_SOURCE = "it has no declared source"


@dataclass(frozen=True, kw_only=True)
class Against:
    """What data is compared with, where a person says so. See ``pe_dvc.stale``."""

    model_version: str | None = None
    model_package: str | None = None
    lockfile: Path | None = None
    max_age: timedelta | None = None
    offline: bool = False

    @property
    def names_model(self) -> bool:
        """Tell whether the model was named, not only to be found here."""
        return self.model_version is not None or self.model_package is not None

    def model(self, published: str | None, repo: DataRepo | None) -> CurrentPackage:
        """Return the model package, called ``published`` in the manifest, as it is now."""
        if self.names_model:
            return named_package(self.model_package, self.model_version, published)
        settings = repo.settings if repo else None
        wheel = settings.model_wheel if settings else None
        name = settings.model_package if settings and settings.model_package else None
        place = repo.root / wheel if repo and wheel else None
        return self._found(name or published, repo, place)

    def core(self, published: str | None, repo: DataRepo | None) -> CurrentPackage:
        """Return the core package as it is now; where a model was named no one asks for it."""
        if self.names_model and self.lockfile is None:
            return CurrentPackage(package=None, reason="only the model was named", asked=False)
        return self._found(published, repo, None)

    def _found(self, name: str | None, repo: DataRepo | None, wheel: Path | None) -> CurrentPackage:
        if name is None:
            reason = "no package is named: --model-version or --model-package names one"
            return CurrentPackage(package=None, reason=reason, asked=False)
        own = repo.root / repo.settings.lockfile if repo and repo.settings.lockfile else None
        return current_package(name, self.lockfile or own, wheel=wheel)


def stale(
    references: Sequence[str | Reference], *, store: str | None, against: Against
) -> list[Staleness]:
    """Return of each dataset what differs. Raises as ``pe_dvc.stale`` says."""
    found = []
    questions: dict[str, Questions] = {}
    for reader, reference in asked_for(references, store=store, offline=against.offline):
        country = reader.country
        asked = questions.setdefault(country, Questions(country, against))
        try:
            found.append(asked.of(reader.resolve(reference)))
        except RevokedError as error:
            if not references or country in references:  # one of many, which no one named
                found.append(_withdrawn(reference, error))
            else:
                raise
    return found


def _withdrawn(reference: Reference, error: RevokedError) -> Staleness:
    """Return what is said of a dataset whose artifact was withdrawn: it is to be built again."""
    pin = Reference.pinned(reference.country, reference.name, Sha256(error.sha256 or ""))
    line = Comparison(
        what="artifact", found="differs", published=str(pin), current=error.brief, counts=True
    )
    return Staleness(reference=str(reference), pinned=str(pin), built_at=None, comparisons=(line,))


def asked_for(
    references: Sequence[str | Reference], *, store: str | None, offline: bool
) -> Iterator[tuple[Reader, Reference]]:
    """Yield every dataset that is asked for: by its reference, or all of a country's channels.

    Without references, those of the data repo around us. Raises NotFoundError outside of one.
    """
    repo = DataRepo.around()
    if not references and repo is None:
        raise NotFoundError(
            "no dataset was named, and this is not a data repo",
            remedy="Name a reference such as us/enhanced_cps_2024@latest, or a country: us.",
        )
    readers: dict[str, Reader] = {}

    def reader_of(country: str) -> Reader:
        return readers.setdefault(country, Reader(country, store=store, offline=offline))

    for asked in references or [repo.country if repo else ""]:
        if isinstance(asked, str) and is_country(asked):
            reader = reader_of(asked)
            for listed in reader.ls():
                yield reader, Reference.parse(listed.reference)
        else:
            reference = Reference.of(asked)
            yield reader_of(reference.country), reference


class Questions:
    """What is asked of one dataset after another of a country; of what they share, once."""

    def __init__(self, country: str, against: Against) -> None:
        self._country, self._against = country, against
        self._model = cache(lambda name: against.model(name, self._repo))
        self._core = cache(lambda name: against.core(name, self._repo))
        self._source = cache(_at_source)

    def of(self, resolved: Resolved) -> Staleness:
        """Return what there is to say of a dataset."""
        manifest = resolved.manifest
        return Staleness(
            reference=str(resolved.reference),
            pinned=resolved.pin,
            built_at=manifest.build.built_at,
            comparisons=tuple(self._lines(manifest)),
        )

    def _lines(self, manifest: Manifest) -> Iterator[Comparison]:
        inputs, against = manifest.inputs, self._against
        model, core = inputs.model_package, inputs.core_package
        if model is not None or against.names_model or core is None:
            now = self._model(model.name if model else None)
            yield from compare_package("model", model, now)
        if core is not None:
            yield from compare_package("core", core, self._core(core.name))
        yield from self._calibration(inputs)
        for raw in inputs.raw_inputs:
            yield self._raw(raw)
        if inputs.source is not None:
            yield self._at_source("the dataset itself", inputs.source, manifest.artifact.sha256)
        yield from self._code(inputs.code)
        yield compare_age(manifest.build.built_at, datetime.now(UTC), against.max_age)

    def _calibration(self, inputs: Inputs) -> Iterator[Comparison]:
        was, what = inputs.calibration_targets, "calibration targets"
        now = self._here.calibration() if self._here else None
        if was is None and now is None:
            return
        if was is None or now is None:
            published = f"{was.snapshot_id} sha256:{was.sha256}" if was else None
            here = "the settings here name no snapshot" if self._here else "no clone here"
            reason = here if was else "the manifest names none"
            yield not_checked(what, published, reason)
            return
        published, current = (f"{c.snapshot_id} sha256:{c.sha256}" for c in (was, now))
        yield compare_digest(what, published, current, source="the settings here")

    def _raw(self, raw: InputFile) -> Comparison:
        what = f"raw input {raw.name}"
        if raw.source is not None:
            return self._at_source(what, raw.source, raw.sha256)
        here = self._here.sha256(raw.name) if self._here else None
        if here is None:
            where = "and it is not here" if self._here else "and there is no clone here"
            return not_checked(what, f"sha256:{raw.sha256}", f"{NO_SOURCE}, {where}")
        return compare_digest(
            what, f"sha256:{raw.sha256}", f"sha256:{here}", source="the file here"
        )

    def _at_source(self, what: str, origin: Origin, sha256: str) -> Comparison:
        from pe_dvc.adapters.sources import plain_etag

        source = origin.url
        if self._against.offline:
            return not_checked(what, f"sha256:{sha256}", "nothing is asked offline")
        now = self._source(origin)
        if now.sha256 is not None:
            return compare_digest(what, f"sha256:{sha256}", f"sha256:{now.sha256}", source=source)
        if now.etag is not None and origin.etag is not None:
            published, current = plain_etag(origin.etag), plain_etag(now.etag)
            return compare_digest(what, f"ETag {published}", f"ETag {current}", source=source)
        if now.revision is not None and origin.revision is not None:
            return _revision(what, origin, now.revision)
        reason = now.reason or "the manifest has no ETag of it"
        return compare_digest(what, f"sha256:{sha256}", None, source=source, reason=reason)

    def _code(self, code: Iterable[InputFile]) -> Iterator[Comparison]:
        for file in code:
            what = f"code {file.name}"
            here = self._here.sha256(file.name, code=True) if self._here else None
            published = f"sha256:{file.sha256}"
            if self._here is None:
                yield not_checked(what, published, "no clone here")
            elif here is None:
                reason = "it is not in this clone any more"
                yield compare_digest(what, published, "gone", source="this clone", reason=reason)
            else:
                yield compare_digest(what, published, f"sha256:{here}", source="this clone")

    @cached_property
    def _repo(self) -> DataRepo | None:
        repo = DataRepo.around()
        return repo if repo is not None and repo.country == self._country else None

    @cached_property
    def _here(self) -> FilesHere | None:
        return FilesHere(self._repo) if self._repo is not None else None


def _at_source(origin: Origin) -> AtSource:
    from pe_dvc.adapters.sources import ask_source

    return ask_source(origin)


def _revision(what: str, origin: Origin, current: str) -> Comparison:
    """Compare commits of a repo: another one does not show that the file in it changed."""
    published = f"commit {origin.revision}"
    if origin.revision == current:
        return compare_digest(what, published, f"commit {current}", source=origin.url)
    reason = f"that repo is at commit {current[:12]} now; dvc update tells whether the file changed"
    return compare_digest(what, published, None, source=origin.url, reason=reason)


def check_one_model(against: Against) -> None:
    """Raise FormatError where a model is named, and a lock file that would name it, too."""
    if against.names_model and against.lockfile is not None:
        raise FormatError(
            "a lock file and a model are named", remedy="Name either: the data is compared with it."
        )
