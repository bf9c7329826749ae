"""``pe-dvc init``, of a repo with data of its own or of an index of what a hub has."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
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

    from pe_dvc.project.init import Initialized
    from pe_dvc.project.init_plan import Ask


def init_any(
    start: Path,
    uri: str | None,
    *,
    country: str | None = None,
    store: str | None = None,
    contact: str | None = None,
    subdir: bool = False,
    channels: bool = True,
    hooks: bool = True,
    workflows: bool = True,
    ask: Ask | None = None,
) -> Initialized:
    """Set up a git repo; with ``uri`` one is made if there is none, and what it names is imported.

    The hub is asked first: what it lacks or refuses is said before anything is made. An import
    that fails leaves the repo set up; run again, this goes on from there. Raises as ``init_repo``
    and ``import_uri``.
    """
    init = partial(
        init_repo,
        start,
        country=country,
        store=store,
        contact=contact,
        subdir=subdir,
        channels=channels,
        hooks=hooks,
        workflows=workflows,
        ask=ask,
    )
    if uri is None:
        return init()
    source = read_source(uri, commit_at)
    with _git(start):
        done = init(follow=uri_to_follow(uri, source.place))
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
