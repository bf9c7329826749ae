"""Whether a ``git push`` is one that publishes data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

USUAL_BRANCHES = ("main", "master")
"""The branch that publishes where neither the settings nor the git remote name one."""


@dataclass(frozen=True, kw_only=True)
class RefUpdate:
    """One ref of a ``git push``: ``remote`` is to become ``commit`` and was ``before``.

    Commits are in hex, all zeros for none (githooks, pre-push).
    """

    commit: str
    remote: str
    before: str


class Commits(Protocol):
    """What is asked of git."""

    def head(self) -> str | None:
        """Return the commit that is checked out."""

    def is_behind(self, earlier: str, later: str) -> bool:
        """Tell whether a commit is another, or its ancestor."""

    def holds(self, commit: str, path: str) -> bool:
        """Tell whether a commit has a file."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The update that publishes, None if none does; ``note`` is why the right branch does not."""

    update: RefUpdate | None = None
    note: str | None = None


def decide(
    updates: Sequence[RefUpdate], branch: str | None, commits: Commits, *, channel: str
) -> Decision:
    """Return which of the updates publishes the data of the commit that is checked out.

    ``branch`` is the one that publishes; ``channel`` is the file that a commit with data has.
    """
    branches = USUAL_BRANCHES if branch is None else (branch,)
    wanted = {f"refs/heads/{name}" for name in branches}
    update = next((u for u in updates if u.remote in wanted and _exists(u.commit)), None)
    if update is None or not commits.holds(update.commit, channel):
        return Decision()
    name = update.remote.removeprefix("refs/heads/")
    if update.commit != commits.head():
        return Decision(
            note=f"no data is published: the commit that goes to {name} is not checked out; check "
            "it out and run pe-dvc push"
        )
    if _exists(update.before) and not commits.is_behind(update.before, update.commit):
        return Decision(
            note=f"no data is published: {name} at the git remote has commits that this one lacks; "
            "git pull, then push again (after git push --force, run pe-dvc push)"
        )
    return Decision(update=update)


def _exists(commit: str) -> bool:
    return commit.strip("0") != ""
