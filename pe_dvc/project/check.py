"""Do manifests, the signed pointer and dvc.lock agree? Asked before a commit, no payload read."""

from __future__ import annotations

import tempfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.documents.manifest import Manifest
from pe_dvc.project.repo import DataRepo
from pe_dvc.project.repo_files import read_manifests
from pe_dvc.project.verify import gather
from pe_dvc.usecases.checkout.verify import Check, verify

if TYPE_CHECKING:
    from pe_dvc.adapters.dvc.config import DvcConfig
    from pe_dvc.adapters.dvc.files import DvcFiles
    from pe_dvc.documents.repo_tree import RepoTree
    from pe_dvc.usecases.checkout.verify import Evidence


def check(repo: DataRepo, *, staged: bool = False) -> list[Check]:
    """Return the verdict on each declared dataset, and on manifests that nothing declares.

    With ``staged``, of what the next commit will hold, not of the files in the work tree. Raises
    FormatError for a file that cannot be read for what it is.
    """
    if not staged:
        return _check(repo)
    with tempfile.TemporaryDirectory(prefix="pe-dvc-staged-") as directory:
        return _check(_staged_copy(repo, Path(directory)))


def _check(repo: DataRepo) -> list[Check]:
    _ = repo.settings.release_settings  # wrong ones would show on the day of the release only
    evidence = gather(repo)
    declared = {found.name for found in evidence}
    left_over = [
        name for name in read_manifests(repo.tree, repo.settings, Manifest) if name not in declared
    ]
    return [_agreement(found) for found in evidence] + [
        Check(
            name=name,
            verdict="differs",
            detail=f"{repo.settings.manifests}/{name}.json describes a dataset that dvc.yaml does "
            "not declare: run dvc repro",
        )
        for name in left_over
    ]


def _agreement(evidence: Evidence) -> Check:
    if (evidence.manifest, evidence.locked_md5, evidence.pointer) == (None, None, None):
        return Check(name=evidence.name, verdict="ok", detail="declared, not built yet")
    return verify(evidence)


class _StagedRepo(DataRepo):
    """What git has staged of a data repo, as files elsewhere, with the configuration of here."""

    def __init__(self, root: Path, configured: DataRepo, tree: RepoTree) -> None:
        super().__init__(root)
        self._configured, self.tree = configured, tree

    @cached_property
    def dvc(self) -> DvcFiles:
        """What DVC's staged files say; git does not ignore what it has staged."""
        from pe_dvc.adapters.dvc.files import DvcFiles

        return DvcFiles.read(self.tree)

    @cached_property
    def dvc_config(self) -> DvcConfig:
        """The configuration of the work tree: the cache is there."""
        return self._configured.dvc_config


def _staged_copy(repo: DataRepo, directory: Path) -> DataRepo:
    from pe_dvc.adapters.git.repo import GitRepo

    tree = GitRepo(repo.root).staged()
    for path in filter(repo.settings.is_own, tree.files()):
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(tree.read(path))
    return _StagedRepo(directory, repo, tree)
