"""A bare git repo among the files of a clone: git would run the programs that it names."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.adapters.git.command import run_git
from pe_dvc.errors import PeDvcError, UntrustedError
from pe_dvc.primitives.names import check_in_work_tree
from pe_dvc.project import notes
from tests.support.commands import run
from tests.support.hostile_clone import HostileClone

if TYPE_CHECKING:
    from pathlib import Path

REMOTE = "['remote \"policyengine\"']\n    "


@pytest.fixture
def nested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a data repo into a clone that is a bare repo, too; its programs make files."""
    clone = HostileClone(tmp_path)
    run("git", "remote", "add", "origin", "https://example.org/us-data", cwd=clone.root)
    place = clone.root / "sub"
    shutil.copytree(clone.root, place, ignore=shutil.ignore_patterns(".git", "sub"))
    subprocess.check_call(["git", "init", "--quiet", "--bare", tmp_path / "bare"])
    for part in ("HEAD", "objects", "refs"):
        (tmp_path / "bare" / part).rename(place / part)
    ran = clone.home / "ran"
    core = f"bare = false\nworktree = .\nfsmonitor = touch {ran}; false\n"
    (place / "config").write_text(f"[core]\n{core}[gpg]\nprogram = {ran}\n")
    (place / "aws").write_text(f"[default]\ncredential_process = touch {ran}\n")
    (place / ".dvc/config").write_text(
        f"[core]\n    remote = policyengine\n{REMOTE}url = s3://bucket/us\n    region = eu-west-2\n"
    )
    (place / ".dvc/config.local").write_text(f"{REMOTE}configpath = ../aws\n")
    monkeypatch.setenv("PE_DVC_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setattr(notes, "_said", set())
    monkeypatch.chdir(place)
    return place


def test_a_bare_repo_in_a_clone_runs_no_program(nested: Path) -> None:
    """Its index holds nothing, so that ``config.local`` would count as the user's own."""
    repo = pe_dvc.Repo()
    commands = (repo.pull, repo.verify, repo.push, repo.check, repo.gc, repo.fsck, repo.install)
    for command in (*commands, repo.channel.status, repo.manifest.write, repo.release.list):
        with pytest.raises(UntrustedError, match="form of a bare git repo"):
            command()
    with pytest.raises(UntrustedError, match="form of a bare git repo"):
        run_git(nested, "status")
    assert not (nested.parent.parent / "ran").exists()


def test_readers_pass_over_a_bare_repo(nested: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(PeDvcError, match="no root of trust"):
        pe_dvc.resolve("pe-data://us/cps@latest")
    assert "form of a bare git repo" in caplog.text
    assert not (nested.parent.parent / "ran").exists()


def test_the_parts_of_a_bare_repo_may_be_elsewhere(nested: Path) -> None:
    """Git looks for them where the file ``commondir`` says."""
    shutil.rmtree(nested / "refs")
    (nested / "commondir").write_text("../elsewhere\n")
    with pytest.raises(UntrustedError, match="form of a bare git repo"):
        run_git(nested, "status")


@pytest.mark.parametrize(
    "name",
    [
        *(".GIT", ".g\u200cit", "\ufeff.dvc", ".git.", ".git ", ".git::$INDEX_ALLOCATION"),
        *("git~1", "DVC~1"),
    ],
)
def test_what_other_file_systems_take_for_git_is_no_data(name: str) -> None:
    """HFS+ passes over some characters; NTFS has streams, short names, and cuts dots and spaces."""
    with pytest.raises(PeDvcError, match="files of git or DVC themselves"):
        check_in_work_tree(f"raw/{name}/config")
