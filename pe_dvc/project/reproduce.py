"""``pe-dvc reproduce``: builds a dataset again from its recorded inputs, and compares."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.git.repo import GitRepo
from pe_dvc.adapters.git.tags import GitTags
from pe_dvc.adapters.git.worktree import work_tree
from pe_dvc.documents.manifest import Manifest
from pe_dvc.primitives.errors import NotFoundError, VerificationError
from pe_dvc.primitives.names import say_which_there_are
from pe_dvc.primitives.result import Result, field_values
from pe_dvc.project.diff import Asked, compare_datasets
from pe_dvc.project.diff_files import describe_local
from pe_dvc.project.diff_sides import Dataset, Words
from pe_dvc.project.repo_files import manifest_files, manifest_path
from pe_dvc.project.reproduce_build import Rebuild, differing_packages

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.diff import DatasetChanges, Described
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.usecases.progress import Reporter


@dataclass(frozen=True, kw_only=True)
class Reproduced(Result):
    """What a rebuild of a dataset gave, at the ``commit`` that holds its manifest.

    ``first_difference`` is the first output, in the order of the ``stages``, whose bytes are not
    those that were recorded; ``environment`` are packages of which another version is here than it
    was built with. ``changes`` is what differs, where the bytes do.
    """

    name: str
    commit: str
    expected: str
    actual: str
    stages: tuple[str, ...]
    changes: DatasetChanges
    first_difference: str | None = None
    environment: dict[str, tuple[str, str]]

    @property
    def verdict(self) -> str:
        """Return ``same bytes``, ``same values`` or ``different``."""
        return self.changes.verdict

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values, the verdict too."""
        return {**field_values(self), "verdict": self.verdict}


def reproduce(
    repo: DataRepo, name: str, *, output: Path | None, dirty: bool, reporter: Reporter | None
) -> Reproduced:
    """Build a dataset again. Raises as ``pe_dvc.Repo.reproduce`` says."""
    manifest, data = _manifest(repo, name)
    commit = _commit_of(repo, name, data)
    if not dirty:
        _check_clean(manifest)
    git = GitRepo(repo.root)
    below = posixpath.relpath(repo.root.resolve().as_posix(), git.top.as_posix())
    with work_tree(git.top, commit, below) as root:
        rebuild = Rebuild(root, manifest, repo.dvc_config.cache_dir)
        first = rebuild.run()
        made = root / manifest.artifact.path
        if not made.is_file():
            raise NotFoundError(
                f"the stages of {name} ran, and made no file {manifest.artifact.path}",
                remedy="Look at what they print, in a clone of that commit.",
            )
        if output is not None:
            _keep(made, output)
        changes = _compare(repo, manifest, made, reporter)
    return Reproduced(
        name=name,
        commit=commit,
        expected=str(manifest.artifact.sha256),
        actual=changes.after.sha256,
        stages=tuple(rebuild.stages),
        changes=changes,
        first_difference=first,
        environment=differing_packages(manifest.inputs),
    )


def _manifest(repo: DataRepo, name: str) -> tuple[Manifest, bytes]:
    files = manifest_files(repo.tree, repo.settings.manifests)
    if name not in files:
        raise NotFoundError(
            f"{repo.settings.manifests} has no manifest of {name!r}",
            remedy=say_which_there_are(name, sorted(files)),
        )
    where = str(repo.root / manifest_path(repo.settings, name))
    return Manifest.from_bytes(files[name], where=where), files[name]


def _commit_of(repo: DataRepo, name: str, data: bytes) -> str:
    """Return the commit that brought this manifest: what it was built from is in its tree."""
    path = manifest_path(repo.settings, name)
    for change in GitTags(repo.root, root=repo.root).history(path):
        if change.tree.read_signed(path) == data:
            return change.commit
    raise NotFoundError(
        f"the manifest of {name} is not committed: no commit holds what it was built from",
        remedy="Commit it; a shallow clone lacks older commits.",
    )


def _check_clean(manifest: Manifest) -> None:
    name, build = manifest.artifact.name, manifest.build
    if build.git_dirty:
        raise VerificationError(
            f"{name} was built of files that differed from git (build.git_dirty), so that no "
            "commit holds all that it was built from",
            remedy="Try it nevertheless with --dirty: recorded inputs and code are checked.",
        )


def _compare(
    repo: DataRepo, manifest: Manifest, made: Path, reporter: Reporter | None
) -> DatasetChanges:
    words = Words(repo.country, None, offline=False, reporter=reporter)
    recorded = words.committed(manifest, "recorded")
    rebuilt: Described = describe_local(
        made,
        "rebuilt",
        recorded.described.rule,
        like=manifest.table,
        name=manifest.artifact.name,
    )
    return compare_datasets(recorded, Dataset(described=rebuilt, payload=lambda _: made), Asked())


def _keep(made: Path, output: Path) -> None:
    from pe_dvc.store.local_copies import check_output, copy_out

    check_output(output)
    copy_out(made, output)
