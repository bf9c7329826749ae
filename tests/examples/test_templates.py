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
        # What only reads need not wait for those that publish.
        group = path.stem if path.stem in ("stale", "site") else "channels"
        assert read_yaml(path.read_bytes(), path.name)["concurrency"] == group
        said += steps(path)
    lines = (line.strip().split(" > ")[0] for run in said for line in run.splitlines())
    lines = (line.split(" || ")[0].split(" ${")[0].replace('"', "") for line in lines)
    commands = [line.split()[1:] for line in lines if line.startswith("pe-dvc ")]
    assert sorted(commands) == [
        ["channel", "refresh"],
        ["channel", "update", "latest"],
        ["import", "$URI"],
        ["import", "--check", "$URI"],
        ["manifest", "write", "areas/$AREA"],
        ["pull"],
        *(["push"], ["push"], ["push"]),
        ["push", "--stage", "areas/$AREA"],
        ["site", "build", "$RUNNER_TEMP/site", "--url", "$SITE_URL"],
        ["stale", "--markdown"],
    ]
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
    (install,) = {text for text in steps(workflow) if "pip install" in text}
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


@pytest.mark.parametrize(
    ("code", "open_issue", "calls"),
    [
        (0, "", ["label create"]),
        (1, "", ["label create", "issue create"]),
        (1, "7", ["label create", "issue edit 7"]),
        (3, "", ["label create"]),
        (3, "7", ["label create", "issue edit 7"]),
        (0, "7", ["label create", "issue close 7"]),
    ],
)
def test_the_job_on_stale_data_keeps_one_issue(
    code: int, open_issue: str, calls: list[str], tmp_path: Path
) -> None:
    """With a pe-dvc that answers, and a gh that writes down how it was called."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    programs = {
        "pe-dvc": f"echo said; exit {code}",
        "gh": 'case "$1 $2" in "issue list") echo $OPEN;; *) echo "$1 $2 $3" >> "$CALLED";; esac',
    }
    for name, text in programs.items():
        (bin_ / name).write_text(f"#!/bin/sh\n{text}\n")
        (bin_ / name).chmod(0o755)
    output = tmp_path / "output"
    environment = os.environ | {
        "PATH": f"{bin_}:{os.environ['PATH']}",
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "GITHUB_OUTPUT": str(output),
        "CALLED": str(tmp_path / "called"),
        "OPEN": open_issue,
    }
    (workflow,) = [path for path in WORKFLOWS if path.stem == "stale"]
    ask, tell = steps(workflow)[-2:]
    run("bash", "-euo", "pipefail", "-c", ask, environment=environment)
    environment["CODE"] = output.read_text().strip().removeprefix("code=")
    run("bash", "-euo", "pipefail", "-c", tell, environment=environment)
    said = (tmp_path / "called").read_text().splitlines()
    assert [one.removesuffix("stale-data").split(" --")[0].strip() for one in said] == calls


@pytest.mark.parametrize("bucket", ["", "https://storage.example.org/a b"])
def test_the_job_of_the_site_names_the_bucket_where_browsers_may_read_it(
    bucket: str, tmp_path: Path
) -> None:
    """With a pe-dvc that writes down how it was called."""
    (tmp_path / "pe-dvc").write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$RUNNER_TEMP/called"\n')
    (tmp_path / "pe-dvc").chmod(0o755)
    environment = os.environ | {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "RUNNER_TEMP": str(tmp_path),
        "SITE_URL": "https://data.example.org",
        "BUCKET_URL": bucket,
    }
    (workflow,) = [path for path in WORKFLOWS if path.stem == "site"]
    run("bash", "-euo", "pipefail", "-c", steps(workflow)[-1], environment=environment)
    assert (tmp_path / "called").read_text().splitlines() == [
        *("site", "build", f"{tmp_path}/site", "--url", "https://data.example.org"),
        *(("--bucket-url", bucket) if bucket else ()),
    ]


def test_the_site_follows_the_workflows_that_publish() -> None:
    from pe_dvc.adapters.dvc.yaml import read_yaml

    read = {path.stem: read_yaml(path.read_bytes(), path.name) for path in WORKFLOWS}
    (on,) = [value for key, value in read["site"].items() if key in ("on", True)]
    assert on["workflow_run"]["workflows"] == [read[stem]["name"] for stem in ("publish", "import")]


def test_nothing_says_to_install_pe_dvc_from_an_index_that_does_not_have_it() -> None:
    listed = run("git", "ls-files", "*.md", "*.yml", "*.yaml", "*.toml", "pe_dvc", cwd=ROOT).stdout
    for name in listed.splitlines():
        for line in (ROOT / name).read_text().splitlines():
            for asked in re.findall(r"(?:pip|uv|pipx) (?:install|add|pip install) (.*)", line):
                assert not re.search(r"(?<![\w./])pe[_-]dvc\b(?! ?@ git)", asked), f"{name}: {line}"
