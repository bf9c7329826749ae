"""What the git hooks of ``pe-dvc install`` do around a ``git push``.

Data goes before code, and readers come last: payloads and manifests are uploaded before git
pushes, the channels are published once the git remote has accepted the commit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.adapters.git.pushes import GitPushes
from pe_dvc.project.push import push, upload
from pe_dvc.usecases.publish.git_push import RefUpdate, decide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.project.push import Pushed
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.usecases.progress import Reporter
    from pe_dvc.usecases.publish.objects import PublishedObjects


@dataclass(frozen=True, kw_only=True)
class BeforeGitPush:
    """What was done: ``uploaded``, or ``pushed`` where git does not tell when it has accepted."""

    note: str | None = None
    uploaded: PublishedObjects | None = None
    pushed: Pushed | None = None


def before_git_push(
    repo: DataRepo,
    remote: str,
    updates: Sequence[RefUpdate],
    *,
    process: int | None = None,
    reporter: Reporter | None = None,
) -> BeforeGitPush:
    """Upload what a ``git push`` to the branch that publishes needs; other pushes need nothing.

    ``remote`` is the name or URL of the git remote, ``process`` the id of the git that pushes.
    Raises as ``push``.
    """
    git = GitPushes(repo.root)
    branch = repo.settings.branch
    if branch is None and updates:
        branch = git.default_branch(remote)
    channel = f"{repo.settings.channels}/{repo.country}/latest.json"
    decision = decide(updates, branch, git, channel=channel)
    update = decision.update
    if update is None:
        return BeforeGitPush(note=decision.note)
    ref = git.tracking_ref(remote, update.remote.removeprefix("refs/heads/"))
    if process is None or ref is None:
        return BeforeGitPush(pushed=push(repo, reporter=reporter))
    uploaded = upload(repo, reporter=reporter)
    git.begin(process, update.commit, ref)
    return BeforeGitPush(uploaded=uploaded)


def after_git_push(
    repo: DataRepo, moved: str, *, process: int, reporter: Reporter | None = None
) -> Pushed | None:
    """Publish if the git remote has accepted what ``before_git_push`` prepared, else return None.

    ``moved`` are the refs that git has moved, as the hook ``reference-transaction`` lists them.
    Raises as ``push``.
    """
    if not GitPushes(repo.root).accepted(process, moved):
        return None
    return push(repo, reporter=reporter)
