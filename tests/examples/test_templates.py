"""The starters are what the real readers accept, and they leave nothing out."""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.dvc.config import read_config
from pe_dvc.project.settings import Settings, read_settings
from tests.support.commands import run
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path


PYPROJECT = ROOT / "templates/pyproject-pe_dvc.toml"
_COMMENTED = re.compile(r"^# (?=\[tool|\w+ = )", re.MULTILINE)


def test_pyproject_is_read_as_it_stands(tmp_path: Path) -> None:
    shutil.copyfile(PYPROJECT, tmp_path / "pyproject.toml")
    settings = read_settings(tmp_path)
    assert settings.country == "us"
    assert settings.lockfile is None  # what a repo may not have is commented out


def test_pyproject_with_all_comments_taken_away_sets_every_key(tmp_path: Path) -> None:
    text = _COMMENTED.sub("", PYPROJECT.read_text())
    (tmp_path / "pyproject.toml").write_text(text)
    settings = read_settings(tmp_path)
    assert tomllib.loads(text)["tool"]["pe_dvc"].keys() == {f.name for f in fields(Settings)}
    assert settings.calibration is not None
    assert settings.signers.keys() == {"latest", "next"}


def test_dvc_config_names_a_verified_remote(tmp_path: Path) -> None:
    run("git", "init", "--quiet", cwd=tmp_path)
    run("dvc", "init", "--quiet", cwd=tmp_path)
    shutil.copyfile(ROOT / "templates/dvc-config", tmp_path / ".dvc/config")
    config = read_config(tmp_path)
    assert config.default_remote == "policyengine"
    assert config.remote("policyengine").url == "s3://policyengine-data/us"
    said = run("dvc", "config", "remote.policyengine.verify", cwd=tmp_path)
    assert said.stdout.strip() == "true"


WORKFLOWS = sorted((ROOT / "templates/github-workflows").glob("*.yml"))


def steps(workflow: Path) -> list[str]:
    """Return what the steps of a workflow run, in a shell each."""
    from pe_dvc.adapters.dvc.yaml import read_yaml

    jobs = read_yaml(workflow.read_bytes(), workflow.name)["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


def test_workflows_run_commands_that_there_are() -> None:
    from click.testing import CliRunner

    from pe_dvc.adapters.dvc.yaml import read_yaml
    from pe_dvc.cli.main import cli

    said: list[str] = []
    for path in WORKFLOWS:
        assert read_yaml(path.read_bytes(), path.name)["concurrency"] == "channels"
        said += steps(path)
    commands = [run.split()[1:] for run in said if run.startswith("pe-dvc ")]
    assert sorted(commands) == [["channel", "refresh"], ["push"]]
    for command in commands:
        assert CliRunner().invoke(cli, [*command, "--help"]).exit_code == 0


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_install_a_commit_of_pe_dvc_and_what_a_lock_names(
    workflow: Path, tmp_path: Path
) -> None:
    """With a pip that only writes down how it was called."""
    source, bin_, runner = tmp_path / "source", tmp_path / "bin", tmp_path / "runner"
    for place in (source, bin_, runner):
        place.mkdir()
    (bin_ / "pip").write_text('#!/bin/sh\necho "$@" >> "$RUNNER_TEMP/called"\n')
    (bin_ / "pip").chmod(0o755)
    git = ("git", "-C", source)
    run(*git, "init", "--quiet")
    shutil.copy(ROOT / "requirements-publisher.lock", source)
    run(*git, "add", "--all")
    run(*git, "commit", "--quiet", "-m", "x")
    commit = run(*git, "rev-parse", "HEAD").stdout.strip()
    (install,) = [text for text in steps(workflow) if "pip install" in text]
    (url,) = re.findall(r"https://\S+", install)
    environment = os.environ | {
        "RUNNER_TEMP": str(runner),
        "PE_DVC": commit,
        "PATH": f"{bin_}:{os.environ['PATH']}",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{source}.insteadOf",
        "GIT_CONFIG_VALUE_0": url,
    }
    run("bash", "-euo", "pipefail", "-c", install, environment=environment)
    place = runner / "pe_dvc"
    assert (place / "requirements-publisher.lock").is_file()
    assert (runner / "called").read_text().splitlines() == [
        f"install --require-hashes -r {place}/requirements-publisher.lock",
        f"install --no-index --no-deps --no-build-isolation {place}",
    ]


def test_nothing_says_to_install_pe_dvc_from_an_index_that_does_not_have_it() -> None:
    listed = run("git", "ls-files", "*.md", "*.yml", "*.yaml", "*.toml", "pe_dvc", cwd=ROOT).stdout
    for name in listed.splitlines():
        for line in (ROOT / name).read_text().splitlines():
            for asked in re.findall(r"(?:pip|uv|pipx) (?:install|add|pip install) (.*)", line):
                assert not re.search(r"(?<![\w./])pe[_-]dvc\b(?! ?@ git)", asked), f"{name}: {line}"
