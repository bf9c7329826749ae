"""Which ``git push`` publishes: the decision, with git's answers given."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pe_dvc.usecases.publish.git_push import RefUpdate, decide

NONE, OLD, HEAD = "0" * 40, "a" * 40, "b" * 40
CHANNEL = "channels/us/latest.json"


@dataclass
class Git:
    """A repo in which OLD is behind HEAD, and only these two have the channel."""

    def head(self) -> str:
        return HEAD

    def is_behind(self, earlier: str, later: str) -> bool:
        return earlier == later or (earlier, later) == (OLD, HEAD)

    def holds(self, commit: str, path: str) -> bool:
        return path == CHANNEL and commit in (OLD, HEAD)


def update(ref: str = "refs/heads/main", commit: str = HEAD, before: str = OLD) -> RefUpdate:
    return RefUpdate(commit=commit, remote=ref, before=before)


@pytest.mark.parametrize("branch", ["main", None])
def test_the_branch_that_publishes(branch: str | None) -> None:
    wanted = update()
    updates = [update("refs/heads/other"), wanted, update("refs/tags/main")]
    assert decide(updates, branch, Git(), channel=CHANNEL).update is wanted


def test_a_new_branch_has_nothing_before() -> None:
    wanted = update("refs/heads/data", before=NONE)
    assert decide([wanted], "data", Git(), channel=CHANNEL).update is wanted


@pytest.mark.parametrize(
    "unwanted",
    [
        update("refs/heads/other"),
        update("refs/heads/feature/main"),
        update("refs/tags/main"),
        update(commit=NONE),
        update(commit="c" * 40),
    ],
)
def test_nothing_to_publish_and_nothing_to_say(unwanted: RefUpdate) -> None:
    decision = decide([unwanted], "main", Git(), channel=CHANNEL)
    assert (decision.update, decision.note) == (None, None)


@pytest.mark.parametrize(
    ("late", "said"),
    [
        (update(commit=OLD), "is not checked out"),
        (update(before="d" * 40), "has commits that this one lacks"),
    ],
)
def test_what_does_not_publish_says_why(late: RefUpdate, said: str) -> None:
    decision = decide([late], "main", Git(), channel=CHANNEL)
    assert decision.update is None
    assert said in (decision.note or "")
