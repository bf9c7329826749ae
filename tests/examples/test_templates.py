"""The starters are what the real readers accept, and they leave nothing out."""

from __future__ import annotations

import re
import shutil
import tomllib
from dataclasses import fields
from typing import TYPE_CHECKING

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


def test_workflows_run_commands_that_there_are() -> None:
    from click.testing import CliRunner

    from pe_dvc.adapters.dvc.yaml import read_yaml
    from pe_dvc.cli.main import cli

    folder = ROOT / "templates/github-workflows"
    said: list[str] = []
    for path in sorted(folder.glob("*.yml")):
        document = read_yaml(path.read_bytes(), path.name)
        assert document["concurrency"] == "channels"
        jobs = document["jobs"].values()
        said += [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    commands = [run.split()[1:] for run in said if run.startswith("pe-dvc ")]
    assert sorted(commands) == [["channel", "refresh"], ["push"]]
    for command in commands:
        assert CliRunner().invoke(cli, [*command, "--help"]).exit_code == 0
