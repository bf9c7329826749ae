"""What the manifests of a checkout are made from: datasets and inputs, each hashed once."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.adapters.digests import DigestCache
from pe_dvc.adapters.directories import members_in
from pe_dvc.adapters.dvc.cache import DvcListings, object_path
from pe_dvc.adapters.dvc.lineage import Lineage
from pe_dvc.adapters.dvc.workspace import file_digests
from pe_dvc.adapters.member_digests import MemberDigests
from pe_dvc.documents.dvc_hash import is_listing
from pe_dvc.documents.members import dir_hash
from pe_dvc.documents.provenance import Build, CalibrationTargets, InputFile, Inputs
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.pools import Pool
from pe_dvc.primitives.redact import redact_params
from pe_dvc.project.input_files import code_files_of, files_of
from pe_dvc.project.manifest_build import observed_build
from pe_dvc.project.statements import Statements
from pe_dvc.usecases.checkout.describe import complete_inputs
from pe_dvc.usecases.checkout.provenance import (
    changed_since,
    from_folders,
    nothing_known,
    origin,
    read_remotely,
)
from pe_dvc.usecases.checkout.tracked import check_file, check_size, check_tracked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pe_dvc.adapters.digests import FileDigest
    from pe_dvc.adapters.dvc.files import DvcFiles
    from pe_dvc.adapters.dvc.lineage import Closure
    from pe_dvc.adapters.git.repo import GitRepo
    from pe_dvc.documents.declaration import Declaration
    from pe_dvc.documents.dvc_output import Location, Output
    from pe_dvc.documents.members import Members
    from pe_dvc.documents.provenance import Package, Unknown
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.primitives.errors import PeDvcError
    from pe_dvc.project.settings import Settings
    from pe_dvc.usecases.checkout.provenance import Stated


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
        self._statements = Statements(root, settings, cache_dir)
        self._here: Inputs | None = None
        self._fault: PeDvcError | None = None

    def locate(self, declaration: Declaration) -> tuple[Path, str]:
        """Return the file or directory of a dataset, and DVC's md5 of it.

        Raises FormatError naming the declaration where DVC does not track the file as one that
        can be published, NotFoundError where it is not there, and DigestMismatchError where it
        is not of the size that DVC recorded.
        """
        output = check_tracked(
            declaration, self._lineage.output_of(declaration.path), self._dvc.unfinished_stage
        )
        md5 = check_file(declaration, output, self._listings.md5_of(output, declaration.path))
        path = self._root / declaration.path
        if not (path.is_dir() if is_listing(md5) else path.is_file()):
            raise NotFoundError(
                f"{declaration.where('path')}: {declaration.path} is not there",
                remedy="Run `dvc repro` to build it or `dvc pull` to fetch it.",
            )
        if not output.is_directory:
            check_size(output, path.stat().st_size, source=str(path))
        return path, md5

    def location(self, declaration: Declaration) -> Location | None:
        """Return where the bytes of a dataset lie as well, None where nothing says so."""
        output = self._dvc.outputs.get(declaration.path)
        return output.location if output is not None else None

    def members(self, path: Path, md5: str) -> Members:
        """Return the files of a directory, which must be those that DVC recorded.

        Raises DigestMismatchError where they are not, FormatError for names that no reader takes.
        """
        return members_in(path, self._listings.files(md5), MemberDigests(self._root))

    def digests(self, paths: Iterable[Path]) -> dict[Path, FileDigest]:
        """Return the digests of files, hashed on threads where they are not known already."""
        wanted = sorted(set(paths))
        with Pool(os.cpu_count() or 1) as pool:
            return dict(zip(wanted, pool.map(self._digests.digest, wanted), strict=True))

    def inputs(self, declarations: Iterable[Declaration]) -> dict[str, Inputs]:
        """Return what each dataset was made from, by its name.

        They are not complete yet. What is wrong with the packages that are installed is raised by
        ``check_environment`` only.

        Raises NotFoundError naming an input that is neither in the work tree nor in the cache.
        """
        declared = list(declarations)
        closures = {d.name: self._lineage.closure(d.path) for d in declared}
        raw = {o.path: self._raw_files(o) for c in closures.values() for o in c.raw}
        changed = {leaf for c in closures.values() for leaf in c.leaves if self._changed(c, leaf)}
        leaves = {leaf for c in closures.values() for leaf in c.leaves} - changed
        code = {leaf: self._code_files(leaf) for leaf in leaves}
        known = self.digests(
            path for found in (*raw.values(), *code.values()) for path in found.values()
        )
        hashed = {name: _input_file(name, found, known) for name, found in {**raw, **code}.items()}
        sources = {o.path: o.source for c in closures.values() for o in c.raw}
        for name, source in sources.items():
            if source is not None:
                hashed[name] = hashed[name].model_copy(update={"source": origin(source)})
        return {d.name: self._inputs(d, closures[d.name], hashed) for d in declared}

    def stated(self, declaration: Declaration) -> Stated | None:
        """Return what the producer of a dataset states. Raises as ``Statements.of``."""
        return self._statements.of(declaration)

    def check_environment(self) -> None:
        """Raise what was wrong with the packages that are installed here, if they were asked for.

        A manifest that stays as it was does not ask.
        """
        if self._fault is not None:
            raise self._fault

    def _inputs(
        self, declaration: Declaration, closure: Closure, hashed: dict[str, InputFile]
    ) -> Inputs:
        stated, made = self.stated(declaration), closure.own is not None and closure.own.stage
        source = closure.own.source if closure.own is not None else None
        here = self._observed() if made and stated is None else Inputs()
        found = here if stated is None else stated.inputs()
        code = tuple(hashed[leaf] for leaf in closure.leaves if leaf in hashed)
        params = redact_params(closure.params, self._settings.allowed_params)
        own = {
            "raw_inputs": (*(hashed[output.path] for output in closure.raw), *found.raw_inputs),
            "code": code,
            "params": {**params, **found.params},
            "data_vintage": declaration.meta.vintage or self._settings.data_vintage,
            "source": origin(source) if source is not None else None,
            "unknown": (
                *self._unknown(closure, hashed, stated=stated is not None),
                *from_folders(here),
            ),
        }
        return found.model_copy(update=own)

    def complete(self, declaration: Declaration, inputs: Inputs, sha256: Sha256) -> Inputs:
        """Return the inputs of a dataset with all that is unknown of them, and their digest.

        Raises DigestMismatchError where its producer's statement is of other bytes than these.
        """
        stated = self.stated(declaration)
        if stated is not None:
            unknown = stated.unknown(inputs, declaration.path, sha256)
            inputs = inputs.model_copy(update={"unknown": (*inputs.unknown, *unknown)})
        return complete_inputs(inputs, where="dvc.lock: params")

    def build(self, declaration: Declaration) -> Build:
        """Return the section ``build`` of a dataset's manifest: observed, stated or empty."""
        stated, own = self.stated(declaration), self._lineage.output_of(declaration.path)
        if stated is not None:
            return stated.build()
        return self._build_here if own is not None and own.stage is not None else Build()

    @cached_property
    def _build_here(self) -> Build:
        return observed_build(self._git, self._dvc, self._settings)

    def _unknown(
        self, closure: Closure, hashed: dict[str, InputFile], *, stated: bool
    ) -> Iterator[Unknown]:
        own = closure.own
        if own is not None and own.stage is None and not stated:
            yield nothing_known(own.source)
        changed = [leaf for leaf in closure.leaves if leaf not in hashed]
        if changed:
            yield changed_since(changed)
        if closure.remote:
            yield read_remotely(closure.remote)

    def _changed(self, closure: Closure, leaf: str) -> bool:
        """Tell whether a file is another one than the stage read that DVC ran."""
        path, md5 = self._root / leaf, closure.md5s.get(leaf)
        if md5 is None or is_listing(md5) or not path.is_file():
            return False
        return file_digests(path, "md5")["md5"] != md5

    def _observed(self) -> Inputs:
        if self._here is None:
            try:
                self._here = self._shared_inputs()
            except (FormatError, NotFoundError) as error:
                self._fault, self._here = error, Inputs()
        return self._here

    def _raw_files(self, output: Output) -> dict[str, Path]:
        """Return the files of a raw input by their paths in it; a file is itself under ``""``."""
        path = self._root / output.path
        if path.is_file():
            check_size(output, path.stat().st_size, source=str(path))
            return {"": path}
        if path.is_dir():
            return files_of(path)
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
        return code_files_of(self._root, leaf, self._git) if path.is_dir() else {"": path}

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
        return InputFile(name=_shown(name), sha256=known[files[""]].sha256)
    tree = dir_hash((inside, known[path].sha256) for inside, path in files.items())
    return InputFile(name=f"{_shown(name)}/", sha256=tree)


def _shown(name: str) -> str:
    """Return the path of an input without the folders of this machine."""
    return name.rpartition("/")[2] if name.startswith("/") else name
