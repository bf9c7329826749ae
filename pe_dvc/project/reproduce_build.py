"""The stages of a dataset, run again in a work tree, from the raw inputs that were recorded."""

from __future__ import annotations

from functools import cached_property
from importlib import metadata
from typing import TYPE_CHECKING

from pe_dvc.adapters.dvc.command import run_dvc
from pe_dvc.adapters.dvc.ini import ini_text
from pe_dvc.adapters.dvc.lineage import Closure, Lineage
from pe_dvc.adapters.dvc.workspace import file_digests
from pe_dvc.documents.dvc_hash import is_listing
from pe_dvc.primitives.errors import FormatError, NotFoundError, PeDvcError, VerificationError
from pe_dvc.project.repo import DataRepo
from pe_dvc.project.stale_here import FilesHere

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pe_dvc.documents.dvc_output import Output
    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.documents.provenance import InputFile, Inputs


class Rebuild:
    """The build of one dataset in ``root``, a clean work tree; ``cache_dir`` is the clone's."""

    def __init__(self, root: Path, manifest: Manifest, cache_dir: Path) -> None:
        self._root, self._manifest, self._cache_dir = root, manifest, cache_dir
        self._repo = DataRepo(root)
        self._lineage = Lineage(self._repo.dvc)

    def run(self) -> str | None:
        """Run the stages; return the first output that is not as recorded, None if all are.

        Raises FormatError where no stage builds the dataset, NotFoundError for a raw input that
        is not in DVC's cache, VerificationError for one that is another, and PeDvcError, with
        DVC's words, for a stage that fails.
        """
        self._check_built()
        recorded = {path: output.md5 for path, output in self._repo.dvc.outputs.items()}
        self._configure()
        self._check_out()
        self._check_inputs()
        first = None
        for stage in self.stages:
            run_dvc(self._root, "repro", "--single-item", "--force", "--no-commit", stage)
            for output in self._outputs_of(stage):
                if first is None and not self._is_as(output, recorded[output.path]):
                    first = f"{output.path} of stage {stage}"
        return first

    @cached_property
    def stages(self) -> list[str]:
        """The stages to run, in their order: all but those that made raw inputs."""
        raw = {output.stage for output in self._closure.raw}
        by_name = {stage.address: stage for stage in self._repo.dvc.stages}
        waiting = [name for name in self._closure.stages if name not in raw]
        ordered: list[str] = []
        while waiting:
            ready = [
                name
                for name in waiting
                if not any(
                    self._is_made_by(dep, set(waiting) - {name}) for dep in by_name[name].deps
                )
            ]
            if not ready:
                raise FormatError(f"the stages {', '.join(waiting)} wait for each other")
            ordered += ready
            waiting = [name for name in waiting if name not in ready]
        return ordered

    @cached_property
    def _closure(self) -> Closure:
        return self._lineage.closure(self._manifest.artifact.path)

    def _check_built(self) -> None:
        own, name = self._closure.own, self._manifest.artifact.name
        if own is None or own.stage is None:
            how = "is not tracked by DVC" if own is None else "was added with dvc add"
            if own is not None and own.source is not None:
                how = "was imported"
            raise FormatError(
                f"{name} {how}: no stage of this repo builds it",
                where=self._manifest.artifact.path,
                remedy="Ask its producer; the manifest has what they state of its build.",
            )
        known = {stage.address for stage in self._repo.dvc.stages}
        missing = [stage for stage in self._closure.stages if stage not in known]
        if missing:
            raise NotFoundError(f"dvc.yaml of that commit has no stage {missing[0]!r}")

    def _configure(self) -> None:
        """Let the work tree use the clone's cache, and copy from it what stages may write to."""
        file = self._root / ".dvc/config.local"
        file.write_text(ini_text("cache", {"dir": str(self._cache_dir), "type": "copy"}))

    def _check_out(self) -> None:
        raw = [output.path for output in self._closure.raw if output.cached]
        if not raw:
            return
        try:
            run_dvc(self._root, "checkout", *raw)
        except PeDvcError as error:
            raise NotFoundError(
                f"raw inputs of {self._manifest.artifact.name} are not in DVC's cache: "
                f"{error.message}",
                remedy=f"Pull them first: {' '.join(raw)}",
            ) from None

    def _check_inputs(self) -> None:
        """Hold raw inputs and code against the sha256 that the manifest recorded of them."""
        inputs, here = self._manifest.inputs, FilesHere(DataRepo(self._root))
        for file in _differing(inputs.raw_inputs, here, code=False):
            raise _another(file, self._manifest)
        for file in _differing(inputs.code, here, code=True):
            raise _another(file, self._manifest)

    def _outputs_of(self, stage: str) -> list[Output]:
        return [o for o in self._repo.dvc.outputs.values() if o.stage == stage]

    def _is_made_by(self, dep: str, stages: set[str]) -> bool:
        output = self._lineage.output_of(dep)
        inside = (o for o in self._repo.dvc.outputs.values() if o.path.startswith(f"{dep}/"))
        return any(o.stage in stages for o in ([output] if output else inside))

    def _is_as(self, output: Output, md5: str | None) -> bool:
        path = self._root / output.path
        if md5 is None or is_listing(md5) or not path.is_file():
            return True  # of a directory its files would have to be listed as DVC does
        return file_digests(path, "md5")["md5"] == md5


def differing_packages(inputs: Inputs) -> dict[str, tuple[str, str]]:
    """Return the packages of which another version is installed than a build recorded."""
    from pe_dvc.adapters.environment import python_version

    recorded = {
        package.name: package.version
        for package in (inputs.model_package, inputs.core_package)
        if package is not None
    }
    found = {}
    for name, was in {**recorded, **inputs.packages}.items():
        try:
            now = metadata.version(name)
        except metadata.PackageNotFoundError:
            now = "not installed"
        if now != was:
            found[name] = (was, now)
    if inputs.python_version not in (None, python_version()):
        found["python"] = (str(inputs.python_version), python_version())
    return found


def _differing(files: Iterable[InputFile], here: FilesHere, *, code: bool) -> list[InputFile]:
    return [f for f in files if here.sha256(f.name, code=code) not in (None, f.sha256)]


def _another(file: InputFile, manifest: Manifest) -> VerificationError:
    return VerificationError(
        f"{file.name} of the commit that holds the manifest of {manifest.artifact.name} is not "
        f"what it was built from (sha256:{file.sha256[:12]}…)",
        remedy="The manifest was committed with other files than those of its build: build it "
        "again.",
    )
