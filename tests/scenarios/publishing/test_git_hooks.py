"""``pe-dvc install``: hooks beside DVC's and the user's, in any order, by the real git and dvc."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from pe_dvc.adapters.git.hook_scripts import HookPart, hook_script
from tests.support.commands import run, run_pe_dvc
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sandbox import Sandbox

MANIFEST = "manifests/cps_2024.json"


@pytest.fixture
def pushed(built: Sandbox) -> Sandbox:
    """Return a published repo with a git remote to push to."""
    built.pe_dvc("push")
    built.run("git", "init", "--quiet", "--bare", str(built.directory / "origin.git"))
    built.run("git", "remote", "add", "origin", str(built.directory / "origin.git"))
    return built


def user_hook(sandbox: Sandbox, name: str, body: str, folder: str = ".git/hooks") -> Path:
    path = sandbox.repo / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def edit_manifest(checkout: Path) -> None:
    path = checkout / MANIFEST
    document = json.loads(path.read_text())
    document["build"]["built_at"] = "2001-01-01T00:00:00Z"
    path.write_text(json.dumps(document))


def test_a_commit_that_disagrees_is_refused(pushed: Sandbox) -> None:
    pushed.pe_dvc("install")
    edit_manifest(pushed.repo)
    pushed.run("git", "add", MANIFEST)
    refused = pushed.run("git", "commit", "--message", "Edited", code=1)
    assert "differs  cps_2024" in refused.stdout + refused.stderr
    pushed.run("git", "checkout", "--quiet", "HEAD", "--", MANIFEST)
    pushed.write("notes.txt", "fine")
    pushed.commit("Notes")


def test_what_counts_is_what_is_staged(pushed: Sandbox) -> None:
    pushed.pe_dvc("install")
    good = (pushed.repo / MANIFEST).read_bytes()
    edit_manifest(pushed.repo)
    pushed.write("notes.txt", "fine")
    pushed.run("git", "add", "notes.txt")
    pushed.run("git", "commit", "--quiet", "--message", "The edit is not part of this")
    pushed.run("git", "add", MANIFEST)
    (pushed.repo / MANIFEST).write_bytes(good)
    pushed.run("git", "commit", "--message", "The edit is staged, the file is good", code=1)
    # `git commit --all` works on an index of its own, which only its hooks know.
    pushed.run("git", "commit", "--quiet", "--all", "--allow-empty", "--message", "Good again")


def test_check_reads_no_payload_and_knows_what_is_not_built(pushed: Sandbox) -> None:
    for path in (pushed.repo / "data").glob("*.parquet"):
        path.unlink()
    checked = pushed.pe_dvc("check")
    assert (checked.stdout, checked.stderr.startswith("ok: 2 datasets")) == ("", True)
    assert pushed.pe_dvc("check", "--staged").stderr == ""
    text = (pushed.repo / "dvc.yaml").read_text()
    new = "  unbuilt:\n    <<: *dataset\n    path: data/unbuilt.parquet\n"
    built = "deps: [data/enhanced_cps_2024.parquet,"
    pushed.write("dvc.yaml", text.replace(built, f"{built} data/unbuilt.parquet,") + new)
    verdicts = {c["name"]: c["detail"] for c in pushed.json("check")}
    assert verdicts["unbuilt"] == "declared, not built yet"
    pushed.write("dvc.yaml", text.replace("  cps_2024:", "  cps_2025:"))
    done = pushed.pe_dvc("check", code=1)
    assert "does not declare" in done.stdout


@pytest.mark.parametrize("first", ["pe-dvc", "dvc"])
def test_dvc_installs_its_hooks_before_or_after(pushed: Sandbox, first: str) -> None:
    second = "dvc" if first == "pe-dvc" else "pe-dvc"
    pushed.run(first, "install")
    pushed.run(second, "install")
    pushed.run("git", "branch", "other")
    (pushed.repo / "data/cps_2024.parquet").unlink()
    done = pushed.run("git", "checkout", "other")
    assert (pushed.repo / "data/cps_2024.parquet").exists(), "DVC's post-checkout did not run"
    edit_manifest(pushed.repo)
    pushed.run("git", "add", MANIFEST)
    refused = pushed.run("git", "commit", "--message", "Edited", code=1)
    assert "differs  cps_2024" in refused.stdout + refused.stderr, done.stderr


def test_hooks_of_the_user_run_too_and_their_verdict_counts(pushed: Sandbox) -> None:
    user_hook(pushed, "pre-push", 'cat >> pushed-refs; echo "$1" >> pushed-refs')
    kept = user_hook(pushed, "commit-msg", 'grep -q Issue "$1"').read_bytes()
    pushed.pe_dvc("install")
    late = user_hook(pushed, "post-commit", "touch committed")
    pushed.write("notes.txt", "x")
    pushed.run("git", "add", "notes.txt")
    pushed.run("git", "commit", "--message", "No number", code=1)
    pushed.run("git", "commit", "--quiet", "--message", "Issue 4")
    assert (pushed.repo / "committed").exists(), "a hook installed later did not run"
    pushed.run("git", "push", "--quiet", "origin", "HEAD:main")
    said = (pushed.repo / "pushed-refs").read_text()
    assert "refs/heads/main" in said, "git's input did not reach the user's hook"
    assert said.endswith("origin\n")
    assert late.exists()
    pushed.pe_dvc("install", "--uninstall")
    assert (pushed.repo / ".git/hooks/commit-msg").read_bytes() == kept
    pushed.run("git", "commit", "--quiet", "--allow-empty", "--message", "No number", code=1)


def test_a_checkout_says_which_files_are_not_its_own(pushed: Sandbox) -> None:
    pushed.pe_dvc("install")
    pushed.run("git", "branch", "other")
    assert "differs" not in pushed.run("git", "checkout", "other").stderr
    (pushed.repo / "data/cps_2024.parquet").write_bytes(b"another commit's")
    said = pushed.run("git", "checkout", "-")
    assert "differs  cps_2024" in said.stdout + said.stderr
    assert "pe-dvc pull" in said.stderr


def test_a_setting_of_the_user_is_kept_and_restored(pushed: Sandbox) -> None:
    user_hook(pushed, "post-commit", "touch committed", folder=".githooks")
    pushed.run("git", "config", "core.hooksPath", ".githooks")
    pushed.pe_dvc("install")
    pushed.pe_dvc("install")
    pushed.run("git", "commit", "--quiet", "--allow-empty", "--message", "Empty")
    assert (pushed.repo / "committed").exists()
    pushed.pe_dvc("install", "--uninstall")
    assert pushed.run("git", "config", "core.hooksPath").stdout.strip() == ".githooks"
    assert not (pushed.repo / ".git/pe_dvc").exists()
    again = pushed.pe_dvc("install", "--uninstall")
    assert "No hooks" in again.stderr


def test_a_linked_work_tree_has_the_hooks_too(pushed: Sandbox) -> None:
    pushed.pe_dvc("install")
    tree = pushed.directory / "tree"
    pushed.run("git", "worktree", "add", "--quiet", str(tree), "-b", "tree")
    edit_manifest(tree)
    refused = pushed.run("git", "commit", "--all", "--message", "Edited", cwd=tree, code=1)
    assert "differs  cps_2024" in refused.stdout + refused.stderr


def test_a_setting_that_git_prefers_is_a_conflict(pushed: Sandbox) -> None:
    pushed.run("git", "config", "extensions.worktreeConfig", "true")
    pushed.run("git", "config", "--worktree", "core.hooksPath", "elsewhere")
    refused = pushed.pe_dvc("install", code=1)
    assert "elsewhere" in refused.stderr
    assert "--show-origin" in refused.stderr
    assert not (pushed.repo / ".git/pe_dvc").exists()


def test_a_commit_from_before_pe_dvc_can_be_checked_out(pushed: Sandbox) -> None:
    pushed.pe_dvc("install")
    pushed.run("git", "checkout", "--quiet", "--orphan", "old")
    pushed.run("git", "rm", "--quiet", "-r", "--force", ".")
    pushed.write("notes.txt", "x")
    pushed.run("git", "add", "notes.txt")
    pushed.run("git", "commit", "--quiet", "--message", "Long ago")


def test_the_hooks_for_pre_commit_are_commands_that_run(pushed: Sandbox) -> None:
    hooks: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert [hook["id"] for hook in hooks] == ["pe-dvc-check", "pe-dvc-push", "pe-dvc-verify"]
    for hook in hooks:
        assert hook["pass_filenames"] is False
        pushed.run(
            *hook["entry"].split(),
            PRE_COMMIT_REMOTE_NAME="origin",
            PRE_COMMIT_REMOTE_BRANCH="refs/heads/main",
            PRE_COMMIT_TO_REF=pushed.run("git", "rev-parse", "HEAD").stdout.strip(),
        )


def test_outside_git_there_is_nothing_to_install_into(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / "pyproject.toml").write_text('[tool.pe_dvc]\ncountry = "us"\n')
    done = run_pe_dvc("install", cwd=tmp_path, code=3)
    assert "is not in a git repo" in done.stderr


def test_a_hook_without_pe_dvc_says_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.pe_dvc]\n")
    script = hook_script(
        HookPart(command="pe-dvc check --staged", before=True),
        earlier=str(tmp_path / "none"),
        notes=tmp_path,
        data_repos=["."],
        program=tmp_path / "removed/pe-dvc",
    )
    (tmp_path / "pre-commit").write_text(script)
    system = {"PATH": "/usr/bin:/bin"}
    said = run("/bin/sh", "pre-commit", cwd=tmp_path, environment=system, code=1).stderr
    assert said.startswith("pe-dvc is not installed, and the git hooks of this clone run it.\n")
    assert "git config --local --unset core.hooksPath\n" in said
    assert "not found" not in said
