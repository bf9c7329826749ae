"""``git push`` with the hooks of ``pe-dvc install``: what it publishes, and when.

A maintainer with the keys, one without, reviewers, and a git remote that refuses.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox


@pytest.fixture
def hooked(built: Sandbox) -> Sandbox:
    """Return a published repo on branch main, with a git remote and our hooks."""
    built.run("git", "branch", "--quiet", "--move", "main")
    built.run("git", "init", "--quiet", "--bare", "--initial-branch=main", str(remote_of(built)))
    built.run("git", "remote", "add", "origin", str(remote_of(built)))
    built.pe_dvc("push")
    for branch in ("main", "main:old"):
        built.run("git", "push", "--quiet", "origin", branch)
    built.pe_dvc("install")
    return built


def remote_of(sandbox: Sandbox) -> Path:
    return sandbox.directory / "origin.git"


def build(sandbox: Sandbox, seed: int) -> None:
    sandbox.write("params.yaml", f"seed: {seed}\n")
    sandbox.build()


def published(sandbox: Sandbox) -> int:
    """Return the version of latest that readers get."""
    listed = json.loads(sandbox.pe_dvc("channel", "list", "--country", "us", "--json").stdout)
    return int(next(one["version"] for one in listed if one["channel"] == "latest"))


def manifests(sandbox: Sandbox) -> int:
    return len(list(Path(sandbox.store).rglob("*.manifest.json")))


def refuse_pushes(sandbox: Sandbox) -> None:
    """Have the git remote refuse every push, as a protected branch does."""
    hook = remote_of(sandbox) / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho protected branch >&2\nexit 1\n")
    hook.chmod(0o755)


def test_the_default_branch_publishes_once_git_has_accepted_it(hooked: Sandbox) -> None:
    build(hooked, 8)
    said = hooked.run("git", "push", "origin", "main").stderr
    assert "latest 2" in said
    assert published(hooked) == 2
    assert not list((hooked.repo / ".git/pe_dvc").glob("pushing*"))


def test_a_push_that_the_git_remote_refuses_publishes_nothing(hooked: Sandbox) -> None:
    build(hooked, 8)
    before = manifests(hooked)
    refuse_pushes(hooked)
    refused = hooked.run("git", "push", "origin", "main", code=1).stderr
    assert "protected branch" in refused
    assert published(hooked) == 1
    assert manifests(hooked) > before, "data goes before code, and readers see nothing of it"
    (remote_of(hooked) / "hooks/pre-receive").unlink()
    hooked.run("git", "fetch", "--quiet", "origin")
    assert published(hooked) == 1, "a fetch is no push"
    hooked.run("git", "push", "--quiet", "origin", "main")
    assert published(hooked) == 2


def test_a_push_that_is_behind_publishes_nothing(hooked: Sandbox) -> None:
    other = hooked.directory / "other"
    hooked.run("git", "clone", "--quiet", str(remote_of(hooked)), str(other))
    hooked.run("git", "commit", "--quiet", "--allow-empty", "--message", "Theirs", cwd=other)
    hooked.run("git", "push", "--quiet", cwd=other)
    build(hooked, 8)
    refused = hooked.run("git", "push", "origin", "main", code=1).stderr
    assert "no data is published: main at the git remote has commits that this one lacks" in refused
    assert published(hooked) == 1


@pytest.mark.parametrize(
    "push",
    [
        ("--dry-run", "main"),
        ("--delete", "old"),
        ("main:refs/heads/feature",),
        ("refs/tags/before",),
    ],
    ids=["dry run", "deletion", "another branch", "an old tag"],
)
def test_other_pushes_publish_nothing(hooked: Sandbox, push: tuple[str, ...]) -> None:
    hooked.run("git", "tag", "before")
    build(hooked, 8)
    options = [word for word in push if word.startswith("-")]
    refs = [word for word in push if not word.startswith("-")]
    hooked.run("git", "push", *options, "origin", *refs)
    assert published(hooked) == 1


def test_everything_up_to_date_publishes_nothing(hooked: Sandbox) -> None:
    build(hooked, 8)
    hooked.run("git", "push", "--quiet", "--no-verify", "origin", "main")
    assert "up-to-date" in hooked.run("git", "push", "origin", "main").stderr
    assert published(hooked) == 1


def test_a_commit_that_is_not_checked_out_is_not_published(hooked: Sandbox) -> None:
    build(hooked, 8)
    hooked.run("git", "checkout", "--quiet", "-b", "feature", "HEAD~1")
    said = hooked.run("git", "push", "origin", "main").stderr
    assert "the commit that goes to main is not checked out" in said
    assert published(hooked) == 1


def test_without_keys_only_the_branch_that_publishes_says_so(hooked: Sandbox) -> None:
    build(hooked, 8)
    (hooked.directory / "keys").rename(hooked.directory / "elsewhere")
    hooked.run("git", "push", "--quiet", "origin", "HEAD:feature")
    hooked.run("git", "push", "--quiet", "origin", "--delete", "feature")
    said = hooked.run("git", "push", "origin", "main").stderr
    assert "readers do not get its data: run pe-dvc push" in said
    assert published(hooked) == 1
    (hooked.directory / "elsewhere").rename(hooked.directory / "keys")
    hooked.pe_dvc("push")
    assert published(hooked) == 2


def test_a_store_that_is_down_stops_only_the_branch_that_publishes(hooked: Sandbox) -> None:
    build(hooked, 8)
    store = Path(hooked.store)
    store.rename(store.with_name("away"))
    store.write_text("")
    hooked.run("git", "push", "--quiet", "origin", "main:feature")
    hooked.run("git", "push", "--quiet", "origin", "--delete", "old")
    hooked.run("git", "push", "origin", "main", code=1)
    assert "main" in hooked.run("git", "ls-remote", "origin", "refs/heads/main").stdout


def test_a_nomination_is_reviewed_before_it_is_published(hooked: Sandbox) -> None:
    build(hooked, 8)
    hooked.run("git", "checkout", "--quiet", "-b", "nominate")
    hooked.pe_dvc("channel", "promote", "latest", "next")
    hooked.commit("Nominate")
    hooked.run("git", "push", "--quiet", "origin", "nominate")
    assert published(hooked) == 1, "a branch for review was published"
    hooked.run("git", "checkout", "--quiet", "main")
    hooked.run("git", "merge", "--quiet", "--ff-only", "nominate")
    hooked.run("git", "push", "--quiet", "origin", "main")
    assert published(hooked) == 2
    assert "enhanced_cps_2024" in hooked.pe_dvc("ls", "us").stdout


def test_the_branch_that_publishes_is_a_setting(hooked: Sandbox) -> None:
    text = (hooked.repo / "pyproject.toml").read_text()
    hooked.write("pyproject.toml", text + 'branch = "data"\n')
    build(hooked, 8)
    hooked.run("git", "push", "--quiet", "origin", "main")
    assert published(hooked) == 1
    hooked.run("git", "push", "--quiet", "origin", "main:data")
    assert published(hooked) == 2


def test_a_remote_without_tracking_refs_is_published_before_it_has_accepted(
    hooked: Sandbox,
) -> None:
    """Git does not say when the push to an address is accepted."""
    build(hooked, 8)
    hooked.run("git", "push", "--quiet", str(remote_of(hooked)), "main")
    assert published(hooked) == 2


def test_pre_commit_says_in_variables_what_is_pushed(hooked: Sandbox) -> None:
    build(hooked, 8)
    head = hooked.run("git", "rev-parse", "HEAD").stdout.strip()
    for branch, version in (("feature", 1), ("main", 2)):
        hooked.pe_dvc(
            *("git-hook", "pre-push"),
            PRE_COMMIT_REMOTE_NAME="origin",
            PRE_COMMIT_REMOTE_BRANCH=f"refs/heads/{branch}",
            PRE_COMMIT_TO_REF=head,
        )
        assert published(hooked) == version
