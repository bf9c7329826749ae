"""What the manifests of a checkout are made from: datasets and inputs, each hashed once."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pe_dvc.adapters.digests import DigestCache
from pe_dvc.adapters.dvc.cache import DvcListings, object_path
from pe_dvc.adapters.dvc.lineage import Lineage
from pe_dvc.documents.manifest import CalibrationTargets, InputFile, Inputs
from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.primitives.redact import redact_params
from pe_dvc.usecases.checkout.describe import complete_inputs, tree_digest
from pe_dvc.usecases.checkout.tracked import check_file, check_size, check_tracked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pe_dvc.adapters.digests import FileDigest
    from pe_dvc.adapters.dvc.files import DvcFiles
    from pe_dvc.adapters.dvc.lineage import Closure
    from pe_dvc.adapters.git.repo import GitRepo
    from pe_dvc.documents.declaration import Declaration
    from pe_dvc.documents.dvc_output import Output
    from pe_dvc.documents.manifest import Package
    from pe_dvc.project.settings import Settings


class ManifestInputs:
    """The files of datasets and of their inputs, found by what DVC's files say of them.

    Not for use from several threads: it does its own hashing on some.
    """

    def __init__(
        self, root: Path, settings: Settings, dvc: DvcFiles, git: GitRepo, cache_dir: Path
    ) -> None:
        self._root, self._settings, self._dvc, self._git = root, settings, dvc, git
        self._cache_dir = cache_dir
        self._lineage = Lineage(dvc)
        self._digests = DigestCache(root)
        self._listings = DvcListings(cache_dir)

    def locate(self, declaration: Declaration) -> tuple[Path, str]:
        """Return the file of a dataset, and DVC's md5 of it.

        Raises FormatError naming the declaration where DVC does not track the file as one that
        can be published, NotFoundError where it is not there, and DigestMismatchError where it
        is not of the size that DVC recorded.
        """
        output = check_tracked(
            declaration, self._lineage.output_of(declaration.path), self._dvc.unfinished_stage
        )
        md5 = check_file(declaration, output, self._listings.md5_of(output, declaration.path))
        path = self._root / declaration.path
        if not path.is_file():
            raise NotFoundError(
                f"{declaration.where('path')}: {declaration.path} is not there",
                remedy="Run `dvc repro` to build it or `dvc pull` to fetch it.",
            )
        if not output.is_directory:
            check_size(output, path.stat().st_size, source=str(path))
        return path, md5

    def digests(self, paths: Iterable[Path]) -> dict[Path, FileDigest]:
        """Return the digests of files, hashed on threads where they are not known already."""
        wanted = sorted(set(paths))
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            return dict(zip(wanted, pool.map(self._digests.digest, wanted), strict=True))

    def inputs(self, declarations: Iterable[Declaration]) -> dict[str, Inputs]:
        """Return what each dataset was made from, by its name.

        Raises NotFoundError naming an input that is neither in the work tree nor in the cache.
        """
        declared = list(declarations)
        closures = {d.name: self._lineage.closure(d.path) for d in declared}
        raw = {o.path: self._raw_files(o) for c in closures.values() for o in c.raw}
        code = {leaf: self._code_files(leaf) for c in closures.values() for leaf in c.leaves}
        shared = self._shared_inputs()
        known = self.digests(
            path for found in (*raw.values(), *code.values()) for path in found.values()
        )
        hashed = {name: _input_file(name, found, known) for name, found in {**raw, **code}.items()}
        return {d.name: self._inputs(d, closures[d.name], hashed, shared) for d in declared}

    def _inputs(
        self,
        declaration: Declaration,
        closure: Closure,
        hashed: dict[str, InputFile],
        shared: Inputs,
    ) -> Inputs:
        own = {
            "raw_inputs": tuple(hashed[output.path] for output in closure.raw),
            "code": tuple(hashed[leaf] for leaf in closure.leaves),
            "params": redact_params(closure.params, self._settings.allowed_params),
            "data_vintage": declaration.meta.vintage or shared.data_vintage,
        }
        return complete_inputs(shared.model_copy(update=own), where="dvc.lock: params")

    def _raw_files(self, output: Output) -> dict[str, Path]:
        """Return the files of a raw input by their paths in it; a file is itself under ``""``."""
        path = self._root / output.path
        if path.is_file():
            check_size(output, path.stat().st_size, source=str(path))
            return {"": path}
        if path.is_dir():
            return {p.relative_to(path).as_posix(): p for p in _files_in(path)}
        if output.md5 is not None and output.cached and not output.legacy:
            return self._cached_files(output, output.md5)
        raise NotFoundError(
            f"{output.path}, an input of datasets, is not there",
            remedy=f"Run `dvc pull {output.path}` or `dvc repro`.",
        )

    def _cached_files(self, output: Output, md5: str) -> dict[str, Path]:
        listing = self._listings.files(md5) if output.is_directory else {"": md5}
        found = {inside: object_path(self._cache_dir, md5) for inside, md5 in listing.items()}
        if not all(path.is_file() for path in found.values()):
            raise NotFoundError(
                f"{output.path}, an input of datasets, is neither there nor in the DVC cache",
                remedy=f"Run `dvc pull {output.path}` or `dvc repro`.",
            )
        return found

    def _code_files(self, leaf: str) -> dict[str, Path]:
        path = self._root / leaf
        if not path.is_dir():
            return {"": path}
        files = {p.relative_to(path).as_posix(): p for p in _files_in(path)}
        return {name: p for name, p in files.items() if not self._git.ignores(f"{leaf}/{name}")}

    def _shared_inputs(self) -> Inputs:
        from pe_dvc.adapters.environment import python_version

        settings = self._settings
        lockfile = self._root / settings.lockfile if settings.lockfile else None
        calibration = None
        if settings.calibration is not None:
            digest = self._digests.digest(self._root / settings.calibration.path)
            calibration = CalibrationTargets(
                snapshot_id=settings.calibration.snapshot_id, sha256=digest.sha256
            )
        return Inputs(
            data_vintage=settings.data_vintage,
            model_package=self._package("model_package", lockfile),
            core_package=self._package("core_package", lockfile),
            calibration_targets=calibration,
            lockfile_sha256=self._digests.digest(lockfile).sha256 if lockfile else None,
            python_version=python_version(),
        )

    def _package(self, key: str, lockfile: Path | None) -> Package | None:
        from pe_dvc.adapters.environment import describe_package

        settings, name = self._settings, getattr(self._settings, key)
        if name is None:
            return None
        wheel = settings.model_wheel if key == "model_package" else None
        return describe_package(
            name,
            lockfile=lockfile,
            key=f"tool.pe_dvc.{key}",
            unlocked=settings.unlocked.get(name),
            wheel=self._root / wheel if wheel else None,
        )


def _input_file(name: str, files: dict[str, Path], known: dict[Path, FileDigest]) -> InputFile:
    if list(files) == [""]:
        return InputFile(name=name, sha256=known[files[""]].sha256)
    tree = tree_digest((inside, known[path].sha256) for inside, path in files.items())
    return InputFile(name=f"{name}/", sha256=tree)


def _files_in(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
