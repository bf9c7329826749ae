"""What is recorded of a build: what was observed, what its producer states, what is unknown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pe_dvc.documents.provenance import Build, Inputs, Origin, Package, StatementFile, Unknown
from pe_dvc.primitives.errors import DigestMismatchError
from pe_dvc.primitives.redact import redact_params, redact_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pe_dvc.documents.dvc_output import ImportedFrom
    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.documents.statement import Statement
    from pe_dvc.primitives.digest import Sha256

_INPUTS = (
    *("raw_inputs", "code", "params", "model_package", "core_package", "calibration_targets"),
    *("lockfile_sha256", "python_version"),
)
_BUILD = ("git_commit", "git_dirty", "built_at", "built_in")
_OTHER_BYTES = (
    "Get the file and the statement of the same build, or correct meta.pe.provenance in dvc.yaml."
)
NO_STATEMENT = "meta.pe.provenance names no statement of its producer"


@dataclass(frozen=True, kw_only=True)
class Stated:
    """A producer's statement, the path and digest of its file, and what it is to be read by.

    ``model`` and ``core`` are the names of the packages that manifests tell from others;
    ``fingerprints`` is what is known of the model's by version.
    """

    statement: Statement
    path: str
    sha256: Sha256
    model: str
    core: str
    fingerprints: dict[str, str | None]
    allowed_params: Collection[str] = ()

    def inputs(self) -> Inputs:
        """Return what is stated of inputs."""
        stated = self.statement
        others = {n: v for n, v in stated.packages.items() if n not in (self.model, self.core)}
        params = redact_params({self.path: stated.params}, self.allowed_params)
        return Inputs(
            model_package=self._package(self.model),
            core_package=self._package(self.core),
            packages=dict(sorted(others.items())),
            python_version=stated.python_version,
            lockfile_sha256=stated.lockfile_sha256,
            raw_inputs=stated.raw_inputs,
            calibration_targets=stated.calibration_targets,
            params=params if stated.params else {},
        )

    def build(self) -> Build:
        """Return what is stated of the build."""
        stated = self.statement
        return Build(
            git_commit=stated.git_commit,
            git_dirty=stated.git_dirty,
            built_at=stated.built_at,
            built_in=stated.built_in,
            repository=stated.repository,
            builder=stated.builder,
            build_id=stated.build_id,
            statement=StatementFile(
                name=self.path, sha256=self.sha256, format=self.statement.format
            ),
        )

    def _package(self, name: str) -> Package | None:
        version = self.statement.packages.get(name)
        if version is None:
            return None
        fields: dict[str, str | None] = dict(self.statement.details.get(name, {}))
        if name == self.model:
            fields.setdefault("data_build_fingerprint", self.fingerprints.get(version))
        return Package.model_validate(
            {"name": name, "version": version, "known_from": "statement", **fields}
        )

    def unknown(self, inputs: Inputs, path: str, sha256: Sha256) -> Iterator[Unknown]:
        """Yield what stays unknown of the file ``path`` with that digest, of these ``inputs``.

        Raises DigestMismatchError where the statement is of other bytes.
        """
        lacking = [*_lacking(inputs, _INPUTS), *_lacking(self.build(), _BUILD, "build.")]
        if lacking:
            yield Unknown(fields=tuple(lacking), reason=f"{self.path} does not state it")
        if self.statement.unstated:
            names = ", ".join(self.statement.unstated)
            yield Unknown(fields=("raw_inputs",), reason=f"stated without a sha256: {names}")
        if not is_about(self.statement, path, sha256, source=self.path):
            reason = f"{self.path} names no sha256 of it: that it is about this file is not shown"
            yield Unknown(fields=("build.statement",), reason=reason)


def is_about(
    statement: Statement, path: str, sha256: Sha256, *, source: str, remedy: str = _OTHER_BYTES
) -> bool:
    """Tell whether a statement names these bytes.

    Raises DigestMismatchError where it names others for a file of this name; ``source`` is what
    the message calls the statement.
    """
    if any(digest == sha256 for _, digest in statement.subjects):
        return True
    name = PurePosixPath(path).name
    for subject, digest in statement.subjects:
        if PurePosixPath(subject).name == name:
            raise DigestMismatchError(
                what=f"{path}, by its statement of provenance,",
                expected=f"sha256:{digest}",
                actual=f"sha256:{sha256}",
                source=source,
                remedy=remedy,
            )
    return False


def nothing_known(source: ImportedFrom | None) -> Unknown:
    """Return what is unknown of a dataset that no stage made and no one states anything of."""
    how = f"imported from {origin(source).url}" if source else "added to DVC"
    fields = (*_INPUTS, *(f"build.{name}" for name in _BUILD))
    return Unknown(
        fields=fields, reason=f"{how}; no stage of this repo builds it, and {NO_STATEMENT}"
    )


def read_remotely(urls: Collection[str]) -> Unknown:
    """Return that the bytes which stages read from addresses are not known."""
    names = ", ".join(redact_text(url) for url in urls)
    return Unknown(fields=("raw_inputs",), reason=f"read by stages, and not kept by DVC: {names}")


def changed_since(paths: Collection[str]) -> Unknown:
    """Return that files are no longer as the stages read them."""
    names = ", ".join(paths)
    return Unknown(fields=("code",), reason=f"changed since the stage that read it ran: {names}")


def from_folders(inputs: Inputs) -> Iterator[Unknown]:
    """Yield the packages that were installed from a folder: the code in there is of no version."""
    for field in ("model_package", "core_package"):
        package = getattr(inputs, field)
        if package is not None and package.installed_from in ("editable", "directory"):
            how = ", editable," if package.installed_from == "editable" else ""
            reason = f"{package.name} was installed from a folder{how} whose commit is not recorded"
            yield Unknown(fields=(f"{field}.git_sha",), reason=reason)


def notes_on_build(manifest: Manifest) -> Iterator[str]:
    """Yield what is to be said of what a manifest does not know."""
    for unknown in manifest.inputs.unknown:
        yield f"{manifest.artifact.name}: not in the manifest: {unknown.what} ({unknown.reason})"


def origin(source: ImportedFrom) -> Origin:
    """Return where something was imported from, without secrets and paths of this machine."""
    local = "://" not in source.url and source.url.startswith(("/", ".", "~"))
    url = PurePosixPath(source.url).name if local else redact_text(source.url)
    return Origin(url=url, path=source.path, revision=source.revision, etag=source.etag)


def _lacking(record: Inputs | Build, names: Collection[str], prefix: str = "") -> Iterator[str]:
    return (f"{prefix}{name}" for name in names if getattr(record, name) in (None, (), {}))
