"""The files of this clone that published data is compared with, by their sha256."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.adapters.digests import DigestCache
from pe_dvc.adapters.git.repo import GitRepo
from pe_dvc.documents.members import dir_hash
from pe_dvc.documents.provenance import CalibrationTargets
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.names import check_inside
from pe_dvc.project.input_files import code_files_of, files_of

if TYPE_CHECKING:
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.project.repo import DataRepo


class FilesHere:
    """The work tree of a data repo."""

    def __init__(self, repo: DataRepo) -> None:
        self._repo = repo
        self._digests = DigestCache(repo.root)

    def sha256(self, name: str, *, code: bool = False) -> Sha256 | None:
        """Return the sha256 of an input as manifests have it, None where it is not here.

        A name that ends in ``/`` is a directory's; of ``code``, without what git ignores.
        """
        path = name.removesuffix("/")
        try:
            place = self._repo.root / check_inside(path, where=name)
        except FormatError:  # of another machine: manifests have its name alone
            return None
        if not name.endswith("/"):
            return self._digests.digest(place).sha256 if place.is_file() else None
        if not place.is_dir():
            return None
        files = code_files_of(self._repo.root, path, self._git) if code else files_of(place)
        return dir_hash(
            (inside, self._digests.digest(file).sha256) for inside, file in files.items()
        )

    def calibration(self) -> CalibrationTargets | None:
        """Return the snapshot that the settings name, None where they name none or it is gone."""
        settings = self._repo.settings.calibration
        sha256 = self.sha256(settings.path) if settings else None
        if settings is None or sha256 is None:
            return None
        return CalibrationTargets(snapshot_id=settings.snapshot_id, sha256=sha256)

    @cached_property
    def _git(self) -> GitRepo:
        return GitRepo(self._repo.root)
