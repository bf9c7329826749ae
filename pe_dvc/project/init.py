"""``pe-dvc init``: a git repo becomes a country's data repo, all at once or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.documents.dvc_files import PIPELINE
from pe_dvc.primitives.errors import ConflictError, FormatError, PeDvcError
from pe_dvc.primitives.interruption import undone_on_failure
from pe_dvc.primitives.result import Result
from pe_dvc.project.data_files import find_data_files
from pe_dvc.project.file_changes import FileChanges
from pe_dvc.project.init_plan import (
    Ask,
    plan_ignored,
    plan_pipeline,
    plan_remote,
    plan_settings,
)
from pe_dvc.project.init_workflows import plan_workflows
from pe_dvc.project.repo import DataRepo
from pe_dvc.project.repo_files import read_dvc_files
from pe_dvc.project.root import nearest_dvc_repo
from pe_dvc.store.confined import ConfinedTree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pe_dvc.adapters.git.hooks import Hooks
    from pe_dvc.adapters.git.repo import GitRepo
    from pe_dvc.project.channel import InitializedChannels
    from pe_dvc.project.import_hub import ImportedFile

_OF_DVC = (".dvc", ".dvcignore")


@dataclass(frozen=True, kw_only=True)
class InitOptions:
    """What to set up. ``ask`` is called for what is neither given here nor known from the repo.

    ``subdir`` allows a data repo below the top of the git repo. ``channels``, ``hooks`` and
    ``workflows`` tell which of these to make.
    """

    country: str | None = None
    store: str | None = None
    contact: str | None = None
    subdir: bool = False
    channels: bool = True
    hooks: bool = True
    workflows: bool = True
    ask: Ask | None = None


@dataclass(frozen=True, kw_only=True)
class Initialized(Result):
    """A data repo that was set up. ``written`` are the files that changed, relative to ``root``.

    ``skipped`` says why of what was not written. ``channels`` is None where there were some, or
    none were wanted; ``hooks`` where they were installed before, or not wanted. ``found`` are data
    files that no dataset is declared for, ``imported`` those that were taken from a hub.
    """

    root: Path
    country: str
    store: str
    written: tuple[str, ...]
    skipped: dict[str, str]
    channels: InitializedChannels | None
    hooks: Hooks | None
    found: tuple[str, ...]
    imported: tuple[ImportedFile, ...] = ()


def init_repo(start: Path, options: InitOptions, *, follow: str | None = None) -> Initialized:
    """Set up the git repo at ``start`` as a country's data repo; existing settings are kept.

    ``follow`` is the URI of the releases that its workflow is to import, if any. Raises
    NotFoundError outside a git repo, ConflictError where a file contradicts the options,
    FormatError; then nothing was changed.
    """
    from pe_dvc.adapters.git.repo import GitRepo

    root = _root(start, GitRepo(start), subdir=options.subdir)
    git = GitRepo(root)
    if not os.access(root, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(root))
    changes = FileChanges(root)
    skipped: dict[str, str] = {}
    settings = plan_settings(changes, root, options.country, options.contact, options.ask)
    url = plan_remote(changes, root, settings, options.store, options.ask)
    changes.text(PIPELINE)  # refuses a link before what it leads to is read
    dvc = read_dvc_files(root, git)
    plan_pipeline(changes, root, dvc)
    found = find_data_files(root, settings, git, dvc)
    plan_ignored(changes, git, settings, found)
    at_top = FileChanges(git.top)
    if options.workflows:
        skipped |= plan_workflows(at_top, root, git, settings, url, follow)
    with _dvc(root), changes.written(), at_top.written():
        repo = DataRepo(root)
        made = _channels(repo) if options.channels else None
        _check(repo)
    installed = _hooks(repo, skipped) if options.hooks else None
    metadata = (str(made.metadata.relative_to(root)),) if made else ()
    up = os.path.relpath(git.top, root)
    others = tuple(os.path.normpath(f"{up}/{path}") for path in at_top.paths)
    return Initialized(
        root=root,
        country=settings.country,
        store=repo.store_url(url),
        written=(*changes.paths, *others, *metadata),
        skipped=skipped,
        channels=made,
        hooks=installed,
        found=tuple(found),
    )


def _root(start: Path, git: GitRepo, *, subdir: bool) -> Path:
    """Return where the data repo begins: at a DVC repo, else at the top of the git repo."""
    from pe_dvc.adapters.git.bare import check_not_bare
    from pe_dvc.adapters.git.ownership import check_owner

    start = start.resolve()
    found = nearest_dvc_repo(start)
    inside = found is not None and found.is_relative_to(git.top)
    root = found if inside and found is not None and not subdir else start
    check_owner(root, root / ".dvc")
    check_not_bare(root)
    if root != git.top and not subdir and not inside:
        raise ConflictError(
            f"{root} is a directory in the git repo {git.top}",
            remedy=f"Run it in {git.top}; or add --subdir, where one git repo holds several data "
            "repos.",
        )
    return root


@contextmanager
def _dvc(root: Path) -> Iterator[None]:
    """Run ``dvc init`` where there is no DVC repo; take it back if what is done within fails."""
    from pe_dvc.adapters.dvc.command import run_dvc
    from pe_dvc.adapters.git.command import ask_git

    if (root / ".dvc").is_dir():
        yield
        return
    ConfinedTree(root).check(_OF_DVC)
    had = {name for name in _OF_DVC if (root / name).exists()}
    top = ask_git(root, "rev-parse", "--show-prefix").strip() == ""

    def undo() -> None:
        own = [name for name in _OF_DVC if name not in had]
        with suppress(PeDvcError):
            ask_git(root, "rm", "-r", "--cached", "--quiet", "--ignore-unmatch", "--", *own)
        for name in own:
            shutil.rmtree(root / name, ignore_errors=True)
            with suppress(OSError):
                (root / name).unlink()

    with undone_on_failure(undo):
        run_dvc(root, "init", *([] if top else ["--subdir"]))
        yield


def _channels(repo: DataRepo) -> InitializedChannels | None:
    """Create the country's channels where there are none; a failure leaves none behind."""
    from pe_dvc.project.channel import init_channels

    if repo.draft_files.exists():
        return None
    fresh = not repo.channels_root.exists()

    def undo() -> None:
        if fresh:
            shutil.rmtree(repo.channels_root, ignore_errors=True)

    with undone_on_failure(undo):
        return init_channels(repo)


def _check(repo: DataRepo) -> None:
    """Read everything back, as every command does. Raises FormatError."""
    from pe_dvc.documents.declaration import read_declarations

    _ = repo.settings.release_settings
    read_declarations(repo.dvc.artifacts, country=repo.country)


def _hooks(repo: DataRepo, skipped: dict[str, str]) -> Hooks | None:
    from pe_dvc.project.install import hooks_are_installed, install_hooks

    if hooks_are_installed(repo):
        return None
    try:
        return install_hooks(repo)
    except (ConflictError, FormatError) as error:
        skipped["git hooks"] = error.message
        return None
