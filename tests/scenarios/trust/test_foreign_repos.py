"""A data repo of another user, above where somebody works: git's rule, ``safe.directory``."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.adapters.git import ownership
from pe_dvc.adapters.git.ownership import check_owner
from pe_dvc.errors import NotFoundError, UntrustedError
from pe_dvc.project import notes
from pe_dvc.project.repo import DataRepo
from tests.support.hostile_clone import HostileClone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HostileClone:
    """Plant a data repo; who works below it is another user than its owner."""
    made = HostileClone(tmp_path)
    made.write("aws", f"[default]\ncredential_process = touch {made.home / 'ran'}\n")
    made.write(
        ".dvc/config",
        "[core]\n    remote = r\n['remote \"r\"']\n    url = s3://bucket/us\n"
        "    region = eu-west-2\n    configpath = ../aws\n",
    )
    below = made.root / "somebody/works/here"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    monkeypatch.setenv("PE_DVC_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setattr(notes, "_said", set())
    pe_dvc.TrustedRoots().add("us", made.root / "channels/us/root.json")
    monkeypatch.setattr(ownership, "_users", lambda: {os.geteuid() + 1})
    return made


def commands(clone: HostileClone) -> list[Callable[[], object]]:
    repo = pe_dvc.Repo()
    inside: list[Callable[[], object]] = [repo.manifest.write, repo.install, clone.repo.verify]
    return [repo.pull, repo.verify, repo.push, repo.check, repo.gc, repo.channel.status, *inside]


def test_commands_of_a_data_repo_refuse_another_users(planted: HostileClone) -> None:
    for command in commands(planted):
        with pytest.raises(UntrustedError, match="belongs to another user") as caught:
            command()
        allow = f"git config --global --add safe.directory {planted.root}"
        assert allow in (caught.value.remedy or "")


def test_a_reader_passes_over_another_users_repo_with_a_note(
    planted: HostileClone, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """``/tmp/.dvc``: a reader with a pinned root who works below reads as if it were not there."""
    for _ in range(2):
        with pytest.raises(NotFoundError):
            pe_dvc.fetch("us/cps@latest", store=str(tmp_path / "true-bucket"))
        assert DataRepo.around() is None
    assert not (planted.home / "ran").exists()
    (note,) = caplog.messages
    assert f"{planted.root} was not read" in note


@pytest.mark.parametrize("how", ["global", "environment", "everything", "reset"])
def test_safe_directory_of_git_counts(
    planted: HostileClone, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    def say(*values: str) -> None:
        for value in values:
            command = ["git", "config", "--global", "--add", "safe.directory", value]
            subprocess.run(command, check=True)

    if how == "environment":
        for name, value in {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": str(planted.root),
        }.items():
            monkeypatch.setenv(name, value)
    else:
        wanted = {"global": [str(planted.root)], "everything": ["*"], "reset": ["*", ""]}
        say(*wanted[how])
    if how == "reset":
        assert DataRepo.around() is None
    else:
        assert DataRepo.find().root == planted.root


def test_a_repo_cannot_declare_itself_safe(planted: HostileClone) -> None:
    command = ["git", "config", "--local", "safe.directory", "*"]
    subprocess.run(command, cwd=planted.root, check=True)
    assert DataRepo.around() is None


def test_other_directories_in_safe_directory_do_not_count(planted: HostileClone) -> None:
    for value in (str(planted.home), f"{planted.root}/somebody", "clone", "."):
        command = ["git", "config", "--global", "--add", "safe.directory", value]
        subprocess.run(command, check=True)
    assert DataRepo.around() is None


def test_root_by_sudo_reads_what_the_user_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As git does: ``sudo pe-dvc`` in one's own clone."""

    class Owned:
        """A path of uid 1234: only root can make one."""

        def lstat(self) -> object:
            return os.stat_result((0o40755, 0, 0, 0, 1234, 0, 0, 0, 0, 0))

        stat = lstat

        def is_symlink(self) -> bool:
            return False

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    place, part = tmp_path, Owned()
    with pytest.raises(UntrustedError):
        check_owner(part)  # type: ignore[arg-type]
    monkeypatch.setenv("SUDO_UID", "1234")
    check_owner(part)  # type: ignore[arg-type]
    monkeypatch.setattr(os, "geteuid", lambda: 4321)
    with pytest.raises(UntrustedError):
        check_owner(place, part)  # type: ignore[arg-type]


def test_a_link_to_another_users_directory_is_another_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Owned by nobody here but by who made it: both the link and its target are looked at."""
    if os.geteuid() != 0:
        pytest.skip("only root gives a file to another user")
    (tmp_path / "mine").mkdir()
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", 1234, 1234)
    for name, target, owner in (("a", "theirs", 0), ("b", "mine", 1234)):
        (tmp_path / name).symlink_to(tmp_path / target)
        os.chown(tmp_path / name, owner, owner, follow_symlinks=False)
        with pytest.raises(UntrustedError):
            check_owner(tmp_path, tmp_path / name)
    check_owner(tmp_path, tmp_path / "mine")
