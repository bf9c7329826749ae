"""``pe-dvc init --from-hf``: a data repo that is an index of datasets on a hub."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.primitives.interruption import undone_on_failure
from pe_dvc.project.import_hub import import_uri
from pe_dvc.project.import_source import commit_at, read_source, uri_to_follow
from pe_dvc.project.init import init_repo
from pe_dvc.project.repo import DataRepo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pe_dvc.project.init import Initialized, InitOptions


def init_index(start: Path, uri: str, options: InitOptions) -> Initialized:
    """Set up a data repo at ``start``, in a new git repo if there is none, and import ``uri``.

    The hub is asked first, so that what it lacks or refuses is said before anything is made. If the
    import fails the repo stays set up, and running this again goes on from there. Raises as
    ``init_repo`` and ``import_uri``.
    """
    source = read_source(uri, commit_at)
    with _git(start):
        done = init_repo(start, options, follow=uri_to_follow(uri, source.place))
    return replace(done, imported=tuple(import_uri(DataRepo(done.root), uri)), found=())


@contextmanager
def _git(start: Path) -> Iterator[None]:
    """Make a git repo where there is none; take it away if what is done within fails."""
    from pe_dvc.adapters.git.command import ask_git
    from pe_dvc.adapters.git.repo import GitRepo

    try:
        GitRepo(start)
    except NotFoundError:
        pass
    else:
        yield
        return

    def undo() -> None:
        shutil.rmtree(start / ".git", ignore_errors=True)

    with undone_on_failure(undo):
        ask_git(start, "init", "--quiet")
        yield
