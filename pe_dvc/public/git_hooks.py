"""What the scripts of ``pe-dvc install`` call; no part of the documented API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.public.reporting import reporter_for

if TYPE_CHECKING:
    from pe_dvc.project.git_push import BeforeGitPush
    from pe_dvc.project.push import Pushed
    from pe_dvc.usecases.purge import Purged


def pre_push(remote: str, lines: str, process: int | None) -> BeforeGitPush:
    """Handle git's hook ``pre-push``; ``lines`` are what git writes to it (githooks, pre-push)."""
    from pe_dvc.project.git_push import before_git_push
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.usecases.publish.git_push import RefUpdate

    parts = [line.split() for line in lines.splitlines()]
    updates = [
        RefUpdate(commit=commit, remote=ref, before=before) for _, commit, ref, before in parts
    ]
    repo = DataRepo.find()
    return before_git_push(repo, remote, updates, process=process, reporter=reporter_for(True))


def purge_withdrawn() -> Purged | None:
    """Remove from pe_dvc's cache and DVC's what was withdrawn since this was called last here.

    None where nothing was. The checkout's own files stay.
    """
    from pe_dvc.project.purge import purge_news
    from pe_dvc.project.repo import DataRepo

    return purge_news(DataRepo.find())


def reference_transaction(lines: str, process: int) -> Pushed | None:
    """Handle git's hook ``reference-transaction``; ``lines`` are the refs that were moved."""
    from pe_dvc.project.git_push import after_git_push
    from pe_dvc.project.repo import DataRepo

    repo = DataRepo.find()
    return after_git_push(repo, lines, process=process, reporter=reporter_for(True))
