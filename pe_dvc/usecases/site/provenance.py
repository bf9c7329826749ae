"""What a dataset was made from, as lines of a page, each with an address where one is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.usecases.site.filters import utc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.documents.dataset import Dataset
    from pe_dvc.documents.provenance import Build, InputFile, Inputs, Package

_HUBS = ("https://github.com/", "https://gitlab.com/", "https://huggingface.co/")
"""Whose pages of a commit are at ``/commit/<hash>`` below a repository."""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A line: what it is of, what is known, and an address that says more."""

    name: str
    text: str
    url: str | None = None


def facts_of(dataset: Dataset) -> tuple[Fact, ...]:
    """Return what is recorded of the build of a dataset."""
    manifest = dataset.manifest
    return (*_build(manifest.build), *_inputs(manifest.inputs))


def _build(build: Build) -> Iterator[Fact]:
    if build.built_at:
        where = {"ci": ", in CI", "local": ", on a person's machine"}.get(build.built_in or "", "")
        yield Fact(name="Built", text=f"{utc(build.built_at)}{where}")
    if build.git_commit:
        changed = ", with uncommitted changes" if build.git_dirty else ""
        url = _commit_url(build.repository, build.git_commit)
        yield Fact(name="Code", text=f"commit {build.git_commit}{changed}", url=url)
    if build.repository:
        yield Fact(name="Repository", text=build.repository, url=build.repository)


def _commit_url(repository: str | None, commit: str) -> str | None:
    if repository is None or not repository.startswith(_HUBS):
        return None
    return f"{repository.rstrip('/').removesuffix('.git')}/commit/{commit}"


def _inputs(inputs: Inputs) -> Iterator[Fact]:
    if inputs.data_vintage:
        yield Fact(name="Vintage", text=inputs.data_vintage)
    if inputs.model_package:
        yield _package("Model", inputs.model_package)
    if inputs.core_package:
        yield _package("Core", inputs.core_package)
    if inputs.calibration_targets:
        targets = inputs.calibration_targets
        text = f"{targets.snapshot_id}, sha256:{targets.sha256}"
        yield Fact(name="Calibrated to", text=text)
    for each in inputs.raw_inputs:
        yield _file("Raw input", each)
    for each in inputs.code:
        yield _file("Code file", each)
    for unknown in inputs.unknown:
        yield Fact(name="Not known", text=f"{', '.join(unknown.fields)}: {unknown.reason}")


def _package(name: str, package: Package) -> Fact:
    known = (
        f", wheel sha256:{package.wheel_sha256}" if package.wheel_sha256 else "",
        f", commit {package.git_sha}" if package.git_sha else "",
    )
    url = f"https://pypi.org/project/{package.name}/{package.version}/"
    from_index = package.installed_from is None
    text = f"{package.name} {package.version}{''.join(known)}"
    return Fact(name=name, text=text, url=url if from_index else None)


def _file(name: str, file: InputFile) -> Fact:
    url = file.source.url if file.source else None
    return Fact(name=name, text=f"{file.name}, sha256:{file.sha256}", url=url)
