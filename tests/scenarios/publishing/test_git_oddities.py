"""Git repos that libgit2 and git see differently: each command works, or says one sentence."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.commands import GIT_STATUS

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox

COMMANDS = (
    *(("check",), ("check", "--staged"), ("verify",), ("push",), ("gc",), ("fsck",)),
    *(("release", "list"), ("channel", "log", "latest"), ("manifest", "write"), ("pull",)),
)
NOW = ("--grace-days", "0")


def all_work(sandbox: Sandbox, **environment: Any) -> None:
    for command in COMMANDS:
        sandbox.pe_dvc(*command, **environment)
    assert sandbox.run(*GIT_STATUS, **environment).stdout == ""


def test_a_split_index(built: Sandbox) -> None:
    built.run("git", "update-index", "--split-index")
    all_work(built)


def test_a_sparse_checkout_with_a_sparse_index(built: Sandbox) -> None:
    (built.repo / "docs/deep").mkdir(parents=True)
    built.write("docs/deep/page.md", "page\n")
    built.commit("A page")
    patterns = (".dvc", "data", "manifests", "channels")
    built.run("git", "sparse-checkout", "set", "--cone", "--sparse-index", *patterns)
    assert not (built.repo / "docs").exists()
    all_work(built)


def test_a_clean_filter_of_git(built: Sandbox) -> None:
    """As git-lfs and nbstripout do: the file here and the blob differ, and git calls it clean."""
    built.run("git", "config", "filter.upper.clean", "tr a-z A-Z")
    built.run("git", "config", "filter.upper.smudge", "tr A-Z a-z")
    built.write(".gitattributes", "notes.txt filter=upper\n")
    built.write("notes.txt", "notes\n")
    built.write("params.yaml", "seed: 8\n")
    built.commit("Notes")
    built.build()
    assert '"git_dirty": false' in (built.repo / "manifests/cps_2024.json").read_text()


def test_a_file_that_is_only_intended_to_be_added_is_not_staged(built: Sandbox) -> None:
    built.write("scratch.bin", "scratch")
    built.run("dvc", "add", "--quiet", "scratch.bin")
    built.run("git", "add", "--intent-to-add", "scratch.bin.dvc")
    built.pe_dvc("check", "--staged")
    refused = built.pe_dvc("push", code=1).stderr
    assert "scratch.bin.dvc" in refused


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a repo to another user")
def test_a_repo_of_another_user_needs_safe_directory_and_the_environment_counts(
    built: Sandbox,
) -> None:
    built.pe_dvc("push")
    for path in (built.repo, *built.repo.rglob("*")):
        os.chown(path, 1000, 1000, follow_symlinks=False)
    for command in (("check", "--staged"), ("push",), ("gc",), ("release", "list"), ("fsck",)):
        refused = built.pe_dvc(*command, code=1).stderr
        assert "belongs to another user" in refused
        assert f"git config --global --add safe.directory {built.repo}" in refused
        assert "bug" not in refused
    all_work(
        built,
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0="safe.directory",
        GIT_CONFIG_VALUE_0=str(built.repo),
    )


def test_a_repo_with_sha256_objects_is_refused_in_one_sentence(
    built: Sandbox, tmp_path: Path
) -> None:
    shutil.rmtree(built.repo / ".git")
    built.run("git", "init", "--quiet", "--object-format=sha256")
    for command in (("check", "--staged"), ("push",), ("gc",), ("release", "list")):
        refused = built.pe_dvc(*command, code=1).stderr
        assert "unknown object format 'sha256'" in refused
        assert "bug" not in refused


def test_tags_and_branches_whose_names_are_not_utf8(built: Sandbox) -> None:
    for name in (b"refs/tags/caf\xe9", b"refs/heads/\xb1"):
        built.run("git", "update-ref", os.fsdecode(name), "HEAD")
    all_work(built)
    remote = built.directory / "remote.git"
    built.run("git", "clone", "--quiet", "--mirror", str(built.repo), str(remote))
    built.run("git", "remote", "add", "origin", str(remote))
    all_work(built)


def test_a_manifest_whose_name_is_not_utf8(built: Sandbox) -> None:
    Path(os.fsdecode(os.fsencode(built.repo / "manifests") + b"/\xef.json")).write_text("{}")
    built.commit("A file that is no manifest")
    built.pe_dvc("push")
    built.pe_dvc("gc")
    assert "manifests/\\udcef.json" in built.pe_dvc("check", code=1).stderr


@pytest.mark.parametrize("kind", ["empty", "older"])
def test_gc_asks_no_other_repo_that_the_environment_names(built: Sandbox, kind: str) -> None:
    """A hook, or ``git rebase --exec``, runs with GIT_DIR: gc once removed what a branch named."""
    built.pe_dvc("push")
    main = built.run("git", "branch", "--show-current").stdout.strip()
    other = built.directory / "other"
    if kind == "empty":
        built.run("git", "init", "--quiet", str(other))
    else:
        built.run("git", "clone", "--quiet", "--single-branch", str(built.repo), str(other))
        built.run("git", "remote", "remove", "origin", cwd=other)
    built.run("git", "checkout", "--quiet", "-b", "study")
    built.write("scratch.bin", "scratch")
    built.run("dvc", "add", "--quiet", "scratch.bin")
    built.commit("Try something")
    built.run("dvc", "push", "--quiet")
    built.run("git", "checkout", "--quiet", main)
    named: Any = {"GIT_DIR": str(other / ".git"), "GIT_WORK_TREE": str(other)}
    assert "removed 1" not in built.pe_dvc("gc", "--apply", *NOW, **named).stdout
    assert "scratch" not in built.pe_dvc("fsck", **named).stdout
    built.run("git", "checkout", "--quiet", "study")
    (built.repo / "scratch.bin").unlink()
    shutil.rmtree(built.repo / ".dvc/cache")
    built.run("dvc", "pull", "--quiet", "scratch.bin")


def test_what_another_work_tree_has_not_committed_stops_gc(built: Sandbox) -> None:
    built.pe_dvc("push")
    linked = built.directory / "linked"
    built.run("git", "worktree", "add", "--quiet", "-b", "linked", str(linked))
    (linked / "scratch.bin").write_text("scratch")
    (linked / "scratch.bin.dvc").write_text("outs: []\n")
    refused = built.pe_dvc("gc", "--apply", *NOW, code=1).stderr
    assert "../linked/scratch.bin.dvc is not committed" in refused


def test_data_of_a_pull_request_is_kept(built: Sandbox) -> None:
    """GitHub keeps refs/pull/7/head, and people check it out by that name."""
    built.pe_dvc("push")
    remote = built.directory / "remote.git"
    main = built.run("git", "branch", "--show-current").stdout.strip()
    built.run("git", "checkout", "--quiet", "-b", "study")
    built.write("scratch.bin", "scratch")
    built.run("dvc", "add", "--quiet", "scratch.bin")
    built.commit("Try something")
    built.run("dvc", "push", "--quiet")
    built.run("git", "checkout", "--quiet", main)
    built.run("git", "clone", "--quiet", "--bare", str(built.repo), str(remote))
    built.run("git", "update-ref", "refs/pull/7/head", "refs/heads/study", cwd=remote)
    built.run("git", "update-ref", "-d", "refs/heads/study", cwd=remote)
    clone = built.directory / "clone"
    built.run("git", "clone", "--quiet", f"file://{remote}", str(clone), cwd=built.directory)
    built.configure_remote(clone)
    refused = built.pe_dvc("gc", "--apply", *NOW, cwd=clone, code=1).stderr
    assert "origin:refs/pull/7/head cannot be read" in refused
    fetch = refused.split("try again: ")[1].strip()
    built.run("sh", "-c", fetch, cwd=clone)
    assert built.pe_dvc("gc", "--apply", *NOW, cwd=clone).stdout.count("payload") == 0
    assert built.json("gc", *NOW, cwd=clone)["plan"]["remove"] == []
