"""The oldest git that docs/clone.md names, 2.28, and older ones."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.git.command import ask_git
from pe_dvc.adapters.git.hooks import HookInstaller
from pe_dvc.primitives.errors import PeDvcError

if TYPE_CHECKING:
    from pathlib import Path

OF_2_28 = 'case "$*" in *--path-format*) echo "$2"; set -- "$1" "$3" "$4";; esac'
"""It takes an option of ``git rev-parse`` that it does not know for a text, and prints it."""
OF_1_8 = 'case "$1" in version) echo git version 1.8.3.1; exit;; esac; exit 129'


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A data repo in a folder of a git repo."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path / "repo")], check=True)
    (tmp_path / "repo/us/.dvc").mkdir(parents=True)
    return tmp_path / "repo/us"


def install_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, manner: str) -> None:
    script = tmp_path / "bin/git"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\n{manner}\nexec {shutil.which("git")} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:/usr/bin:/bin")


def test_hooks_are_installed_by_git_2_28(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 2.28 to 2.30, as Debian 11 has it, hooks went to a folder called --path-format=…"""
    install_git(tmp_path, monkeypatch, manner=OF_2_28)
    installed = HookInstaller(repo, {}).install()
    assert installed.directory == repo.parent / ".git/pe_dvc/hooks"
    assert (installed.directory / "pre-push").is_file()
    assert ask_git(repo, "config", "core.hooksPath").strip() == str(installed.directory)


def test_an_option_that_git_does_not_know_names_its_version(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_git(tmp_path, monkeypatch, manner=OF_1_8)
    with pytest.raises(PeDvcError) as caught:
        HookInstaller(repo, {})
    assert caught.value.remedy == "git version 1.8.3.1 is here: pe_dvc needs 2.28 or newer."
    with pytest.raises(PeDvcError) as caught:
        ask_git(repo, "status")
    assert "2.28" in str(caught.value.remedy)
