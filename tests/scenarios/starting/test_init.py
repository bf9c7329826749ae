"""``pe-dvc init``: from a git repo to a data repo, whatever is there already."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.dvc.yaml import read_yaml
from pe_dvc.project.settings import read_settings
from tests.support.advice import follow
from tests.support.commands import Done, run, run_pe_dvc, user_of_files
from tests.support.dvc_repos import files

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return an empty git repo."""
    path = tmp_path / "country-data"
    path.mkdir()
    run("git", "init", "--quiet", cwd=path)
    return path


def init(root: Path, *options: str, code: int = 0) -> Done:
    given = ("--country", "us", "--store", str(root.parent / "bucket"))
    return run_pe_dvc("init", *(options or given), cwd=root, code=code)


def untouched(root: Path) -> bool:
    """Tell whether an empty repo is empty still, its index too."""
    staged = run("git", "ls-files", "--cached", cwd=root).stdout
    return files(root) == {} and staged == "" and not (root / ".dvc").exists()


def test_an_empty_repo_passes_its_own_checks(root: Path) -> None:
    said = init(root).stderr
    for path in ("pyproject.toml", "dvc.yaml", ".dvc/config", ".gitattributes", "channels/us"):
        assert f"wrote        {path}\n" in said
    assert "pe-dvc add" in said
    run_pe_dvc("check", cwd=root)
    run("dvc", "repro", cwd=root)
    run("git", "add", "--all", cwd=root)
    run("git", "commit", "--quiet", "--message", "Set up", cwd=root)  # the hook checks it
    run("dvc", "repro", cwd=root)
    for metrics in (("show",), ("diff",)):  # the file that is named is not there yet
        assert run("dvc", "metrics", *metrics, "--json", cwd=root).stdout.strip() != ""
    assert run("git", "status", "--porcelain", cwd=root).stdout == ""
    run_pe_dvc("push", cwd=root)


def test_a_second_run_changes_nothing_and_says_so(root: Path) -> None:
    init(root)
    before = files(root)
    assert "nothing to change: a data repo of us" in run_pe_dvc("init", cwd=root).stderr
    assert files(root) == before


PIPELINE = """\
# Ours.
stages:
  build:   # the only one
    cmd: python build.py

    deps:
    - build.py   # code
    outs: [data/x.parquet]

# Models, too.
artifacts:
  model: {path: model.pkl}   # DVC's
"""
PYPROJECT = '[project]\nname = "data" # ours\nversion = "1.0"\n\n[tool.ruff]\nline-length = 99\n'


def test_what_people_wrote_stays(root: Path) -> None:
    (root / "dvc.yaml").write_text(PIPELINE)
    (root / "pyproject.toml").write_text(PYPROJECT)
    (root / ".gitignore").write_text("/scratch")
    (root / ".gitattributes").write_bytes(b"*.py text\r\n")
    run("dvc", "init", "--quiet", cwd=root)
    (root / ".dvc/config").write_text("# Ours.\n[cache]\n    type = copy # safe\n")
    init(root)
    written = (root / "dvc.yaml").read_text()
    assert [line for line in PIPELINE.splitlines() if line not in written.splitlines()] == []
    assert read_yaml(written.encode(), "")["stages"].keys() == {"build", "manifests", "channel"}
    assert (root / "pyproject.toml").read_text().startswith(PYPROJECT)
    assert read_settings(root).country == "us"
    config = (root / ".dvc/config").read_text()
    assert "# Ours." in config
    assert re.search(r"type = copy +# safe", config)
    assert run("dvc", "remote", "list", cwd=root).stdout.count("\n") >= 1
    assert re.search(r"^ *url = .*bucket/us$", config, re.MULTILINE)
    assert (root / ".gitattributes").read_bytes().startswith(b"*.py text\r\n/manifests/")


def test_the_environment_is_recorded_where_it_holds(root: Path) -> None:
    (root / "uv.lock").write_text(
        'version = 1\n[[package]]\nname = "policyengine-us"\nversion = "1.2.3"\n'
    )
    init(root)
    settings = read_settings(root)
    assert (settings.lockfile, settings.model_package) == ("uv.lock", "policyengine-us")
    assert settings.core_package is None  # neither pinned nor installed
    run_pe_dvc("manifest", "write", cwd=root)


def test_data_that_is_found_is_kept_out_of_git(root: Path) -> None:
    (root / "package.json").write_text("{}")
    (root / "targets.csv").write_text("a\n1\n")
    for name in ("data/x.h5", "notes/a.parquet", *(f"data/states/{i}.h5" for i in range(9))):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"data")
    (root / ".venv").mkdir()
    (root / ".venv/y.h5").touch()
    (root / ".venv/.gitignore").write_text("*\n")
    (root / "kept.parquet").write_bytes(b"in git")
    run("git", "add", "kept.parquet", cwd=root)
    said = json.loads(init(root, "--country", "us", "--store", "../bucket", "--json").stdout)
    assert len(said["found"]) == 11
    assert {"/data/x.h5", "/notes/a.parquet", "/data/states/*.h5"} <= set(
        (root / ".gitignore").read_text().splitlines()
    )
    run("git", "add", "--all", cwd=root)
    tracked = run("git", "ls-files", cwd=root).stdout
    assert re.findall(r".*\.(?:h5|parquet)", tracked) == ["kept.parquet"]


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_workflows_are_for_the_cloud_that_the_store_is_in(root: Path, scheme: str) -> None:
    run("git", "checkout", "--quiet", "-b", "trunk", cwd=root)
    init(root, "--country", "us", "--store", f"{scheme}://bucket")
    for name in ("publish", "refresh", "site"):
        text = (root / f".github/workflows/{name}.yml").read_text()
        (job,) = read_yaml(text.encode(), name)["jobs"].values()
        used = [step["uses"] for step in job["steps"] if "uses" in step]
        assert any("aws-actions/" in step for step in used) == (scheme == "s3")
        assert any("google-github-actions/" in step for step in used) == (scheme == "gs")
        assert job["if"].startswith("vars.PUBLISHER_ROLE")
    assert 'branches: ["trunk"]' in (root / ".github/workflows/publish.yml").read_text()
    (root / ".github/workflows/publish.yml").write_text("name: ours\n")
    said = run_pe_dvc("init", cwd=root).stderr
    assert "not written  .github/workflows/publish.yml: there is one" in said
    assert (root / ".github/workflows/publish.yml").read_text() == "name: ours\n"


def test_workflows_of_several_countries_in_one_git_repo(root: Path) -> None:
    for country in ("us", "uk"):
        (root / country).mkdir()
        said = init(
            root / country, "--country", country, "--store", "s3://bucket", "--subdir", "--no-hooks"
        ).stderr
        assert f"wrote        ../.github/workflows/publish-{country}.yml" in said
        assert "/site.yml: a git repo has one site" in said
        assert not list(root.glob(".github/workflows/site*"))
        for name in ("publish", "refresh"):
            text = (root / f".github/workflows/{name}-{country}.yml").read_text()
            workflow = read_yaml(text.encode(), name)
            assert workflow["name"].endswith(f" of {country}")
            assert workflow["concurrency"] == f"channels-{country}"
            assert workflow["defaults"]["run"]["working-directory"] == country
        assert f"gh workflow enable refresh-{country}.yml" in text
    workflow = read_yaml((root / ".github/workflows/publish-uk.yml").read_bytes(), "publish")
    (push,) = [on["push"] for key, on in workflow.items() if key in ("on", True)]
    assert push["paths"] == ["uk/**", "!uk/channels/**", "!uk/manifests/**", "!uk/dvc.lock"]
    assert "paths-ignore" not in push
    (job,) = workflow["jobs"].values()
    assert job["steps"][-1]["run"].endswith("git pull --quiet --rebase\ngit push\n")
    assert "nothing to change" in run_pe_dvc("init", "--no-hooks", cwd=root / "uk").stderr


def test_a_directory_of_a_git_repo_is_asked_for(root: Path) -> None:
    (root / "uk").mkdir()
    options = ("--country", "uk", "--store", str(root.parent / "bucket"))
    assert "--subdir" in init(root / "uk", *options, code=1).stderr
    assert untouched(root)
    init(root / "uk", *options, "--subdir")
    assert "nothing to change" in run_pe_dvc("init", cwd=root / "uk").stderr
    run_pe_dvc("check", cwd=root / "uk")
    assert not (root / "pyproject.toml").exists()


STORE = ("--store", "../bucket")
REFUSED = {
    "country-of-no-form": (("--country", "USA!", *STORE), "not a country", 1),
    "iso-code": (("--country", "gb", *STORE), "Run it again with --country uk.", 1),
    "iso-code-of-a-producer": (("--country", "usa-x", *STORE), "--country us-x.", 1),
    "no-country": (STORE, "--country is missing", 2),
    "no-store": (("--country", "us"), "--store is missing", 2),
    "store-in-the-repo": (("--country", "us", "--store", "bucket"), "is in the repo", 1),
    "store-with-the-country": (
        ("--country", "us", "--store", "s3://bucket/us"),
        "Name what is above it: s3://bucket",
        1,
    ),
    "no-store-at-all": (("--country", "us", "--store", "ftp://x"), "not a store", 1),
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_a_mistake_changes_nothing(root: Path, mistake: str) -> None:
    options, message, code = REFUSED[mistake]
    assert message in init(root, *options, code=code).stderr
    assert untouched(root)


def test_no_git_repo(tmp_path: Path) -> None:
    refused = run_pe_dvc("init", "--country", "us", *STORE, cwd=tmp_path, code=3)
    assert "not in a git repo" in refused.stderr
    assert "git init" in refused.stderr


THERE = {
    "country": ("pyproject.toml", '[tool.pe_dvc]\ncountry = "uk"\n', "country is 'uk'"),
    "no-country": ("pyproject.toml", '[tool.pe_dvc]\nstore = "x"\n', "tool.pe_dvc.country"),
    "no-toml": ("pyproject.toml", "[project\n", "pyproject.toml"),
    "stage": ("dvc.yaml", "stages:\n  channel:\n    cmd: echo\n", "stages.channel is there"),
    "layout": ("dvc.yaml", "stages: {a: {cmd: echo}}\n", "add these lines yourself"),
    "no-yaml": ("dvc.yaml", "stages: [\n", "not YAML"),
    "remote": (
        ".dvc/config",
        "[core]\n    remote = x\n['remote \"x\"']\n    url = s3://other/dvc\n",
        "the DVC remote 'x' is s3://other/dvc",
    ),
    "other-store": (
        ".dvc/config",
        "[core]\n    remote = x\n['remote \"x\"']\n    url = s3://other/us\n",
        "lies in s3://other",
    ),
}


@pytest.mark.parametrize("conflict", THERE)
def test_a_conflict_is_named_and_nothing_changes(root: Path, conflict: str) -> None:
    name, text, message = THERE[conflict]
    run("dvc", "init", "--quiet", cwd=root)
    (root / name).write_text(text)
    before = files(root)
    assert message in init(root, code=1).stderr
    assert files(root) == before


def test_a_repo_that_uses_dvc_with_a_remote_of_its_own(root: Path) -> None:
    run("dvc", "init", "--quiet", cwd=root)
    run("dvc", "remote", "add", "--default", "origin", "s3://other/dvc", cwd=root)
    said = init(root, code=1).stderr
    follow(said, "Add another one for it", lambda command: run(*command, cwd=root))
    init(root)
    config = (root / ".dvc/config").read_text()
    assert "s3://other/dvc" in config
    assert f"url = {root.parent}/bucket/us\n    verify = true" in config


def test_a_failure_at_the_end_takes_everything_back(root: Path) -> None:
    """Keys in a directory that git would commit are refused when all else is written."""
    environment = {**os.environ, "PE_DVC_KEYS_DIR": str(root / "keys")}
    options = ("--country", "us", "--store", "../bucket")
    run("pe-dvc", "init", *options, cwd=root, code=1, environment=environment)
    assert untouched(root)
    init(root)


@pytest.mark.skipif(not user_of_files(), reason="root may write to what is read-only")
def test_a_read_only_directory(root: Path) -> None:
    options = ("pe-dvc", "init", "--country", "us", "--store", "../bucket")
    root.chmod(0o555)
    try:
        refused = run(*user_of_files(), *options, cwd=root, code=6).stderr
    finally:
        root.chmod(0o755)
    assert f"Permission denied: {root}" in refused
    assert untouched(root)


@pytest.mark.parametrize("after", [0.4, 0.9, 1.5, 2.2])
def test_ctrl_c_leaves_all_or_nothing(root: Path, after: float) -> None:
    command = ["pe-dvc", "init", "--country", "us", "--store", "../bucket"]
    process = subprocess.Popen(
        command, cwd=root, stderr=subprocess.PIPE, start_new_session=True, text=True
    )
    time.sleep(after)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode in (0, 130), said
    if process.returncode == 130:
        written = {name for name in files(root) if not name.startswith(".dvc")}
        assert not written or (root / "channels/us/root.json").exists(), written
    init(root)
    run_pe_dvc("check", cwd=root)


def test_at_a_terminal_it_asks(root: Path) -> None:
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        ["pe-dvc", "init"], cwd=root, stdin=terminal, stderr=subprocess.PIPE, text=True
    )
    os.close(terminal)
    os.write(controller, b"uk\n" + str(root.parent / "bucket").encode() + b"\n")
    _, said = process.communicate(timeout=30)
    os.close(controller)
    assert process.returncode == 0, said
    assert "Country" in said
    assert "[s3://policyengine-data]" in said  # the default
    assert read_settings(root).country == "uk"
