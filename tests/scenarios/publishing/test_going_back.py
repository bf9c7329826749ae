"""A bad build is taken back by git: readers of ``latest`` get what git says, not the bad build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.stories import build, digest, latest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sandbox import Sandbox


def revert(sandbox: Sandbox) -> None:
    sandbox.run("git", "revert", "--no-edit", "HEAD")
    sandbox.run("dvc", "checkout", "--quiet")
    sandbox.run("dvc", "repro", "--quiet")


def test_a_reverted_build_is_taken_from_readers(built: Sandbox) -> None:
    built.trust()
    built.pe_dvc("push")
    good = digest(built)
    bad = build(built, 8)
    built.pe_dvc("push")
    assert latest(built) == (bad, 2)

    revert(built)
    said = built.pe_dvc("push").stderr
    assert "latest went back as git did: cps_2024, enhanced_cps_2024, now version 3" in said
    assert "another publisher" not in said
    assert "pe-dvc channel rollback goes back with a reason" in said
    assert latest(built) == (good, 3)
    built.commit("Version 3")
    assert built.json("push")["channel"]["written"] == []
    built.pe_dvc("verify")
    log = built.read("channel", "log", "latest", "--country", "us")
    assert "broken" not in log.stdout + log.stderr


def test_of_three_builds_the_last_is_reverted(built: Sandbox) -> None:
    built.trust()
    built.pe_dvc("push")
    good = build(built, 8)
    built.pe_dvc("push")
    build(built, 9)
    built.pe_dvc("push")
    revert(built)
    pushed = built.json("push")
    assert pushed["rebased"]["went_back"]
    assert latest(built) == (good, 4)


def test_a_build_after_a_revert_replaces_the_bad_one(built: Sandbox) -> None:
    """Its version has the number of the bad one, which readers have seen."""
    built.trust()
    built.pe_dvc("push")
    build(built, 8)
    built.pe_dvc("push")
    revert(built)
    better = build(built, 10)
    built.pe_dvc("push")
    assert latest(built) == (better, 3)


def test_an_older_commit_that_is_checked_out_takes_nothing_back(built: Sandbox) -> None:
    """Looking at the past is not going back: no commit took the newer build away."""
    built.trust()
    built.pe_dvc("push")
    newer = build(built, 8)
    built.pe_dvc("push")
    built.run("git", "checkout", "--quiet", "HEAD~1")
    built.run("dvc", "checkout", "--quiet")
    built.pe_dvc("push")
    assert latest(built) == (newer, 2)


def test_without_the_key_nothing_goes_back_and_the_push_says_why(
    built: Sandbox, tmp_path: Path
) -> None:
    built.trust()
    built.pe_dvc("push")
    bad = build(built, 8)
    built.pe_dvc("push")
    revert(built)
    (built.directory / "keys/us/latest.pem").rename(tmp_path / "elsewhere.pem")
    refused = built.pe_dvc("push", code=1).stderr
    assert "git took away the published version of latest" in refused
    assert "Push where the key of latest is." in refused
    assert latest(built) == (bad, 2)


def test_a_merge_that_kept_one_side_does_not_take_the_other_publishers_build(
    built: Sandbox, tmp_path: Path
) -> None:
    """The file of ``latest`` of a conflict was resolved wrongly: that reverts nothing."""
    built.trust()
    built.pe_dvc("push")
    other = tmp_path / "other"
    built.run("git", "clone", "--quiet", str(built.repo), str(other), cwd=tmp_path)
    built.configure_remote(other)
    (other / "params.yaml").write_text("seed: 11\n")
    built.run("dvc", "repro", "--quiet", "--force", cwd=other)
    built.run("git", "commit", "--quiet", "--all", "--message", "Theirs", cwd=other)
    built.pe_dvc("push", cwd=other)
    theirs = latest(built)

    build(built, 12)
    built.run("git", "fetch", "--quiet", str(other), "main")
    built.run("git", "merge", "--quiet", "--strategy", "ours", "--no-edit", "FETCH_HEAD")
    refused = built.pe_dvc("push", code=1).stderr
    assert "another publisher was first, and both of you changed" in refused
    assert latest(built) == theirs
