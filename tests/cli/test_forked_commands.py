"""Commands that tests fork end as those that are newly started."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support import forked_commands
from tests.support.commands import run
from tests.support.environment import Homes
from tests.support.forked_commands import run_forked, with_forked_commands
from tests.support.paths import BIN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@pytest.fixture(autouse=True)
def _forks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOAK", raising=False)


@pytest.mark.parametrize(
    "command",
    [["pe-dvc", "--help"], ["pe-dvc", "nonsense"], ["pe-dvc", "push"], ["pe-dvc", "show", "us/é"]],
    ids=lambda command: command[1],
)
def test_a_forked_command_says_and_returns_what_a_new_one_does(
    command: Sequence[str], tmp_path: Path
) -> None:
    forked = run_forked(command, tmp_path, os.environ)
    new = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert forked is not None
    said = forked.returncode, forked.stdout, forked.stderr
    assert said == (new.returncode, new.stdout, new.stderr)


def test_each_is_a_process_with_a_directory_an_environment_and_a_umask_of_its_own(
    tmp_path: Path,
) -> None:
    for name, umask, mode in (("open", 0o022, 0o644), ("private", 0o077, 0o600)):
        repo, caches = tmp_path / name, tmp_path / f"{name}-caches"
        repo.mkdir()
        before = os.umask(umask)
        try:
            environment = {**os.environ, "DVC_SITE_CACHE_DIR": str(caches)}
            done = run_forked(["dvc", "init", "--no-scm", "--quiet"], repo, environment)
        finally:
            os.umask(before)
        assert done is not None
        assert done.returncode == 0, done.stderr
        assert (repo / ".dvc/config").stat().st_mode & 0o777 == mode
        assert caches.is_dir()


def test_who_gives_up_waiting_leaves_the_next_command_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give_up(pipes: Sequence[int]) -> list[str]:
        raise TimeoutError

    with monkeypatch.context() as patched:
        patched.setattr("tests.support.forked_commands._read_all", give_up)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                run_forked(["pe-dvc", "--help"], tmp_path, os.environ)
    done = run_forked(["pe-dvc", "--help"], tmp_path, os.environ)
    assert done is not None
    assert done.returncode == 0


@pytest.mark.parametrize("name", ["LC_ALL", "PYTHONPATH", "TZ", "OPENSSL_CONF", "SSL_CERT_FILE"])
def test_what_is_read_at_the_start_needs_a_new_start(name: str, tmp_path: Path) -> None:
    assert run_forked(["pe-dvc", "--help"], tmp_path, {**os.environ, name: "C"}) is None


SEEN = """\
import json, os, sys
seen = [sys.argv[1:], os.path.basename(os.getcwd()), os.environ["DVC_STAGE"]]
open(sys.argv[1], "w").write(json.dumps([*seen, "pyarrow" in sys.modules]))
sys.exit(3)
"""
STAGE = """\
stages:
  look:
    cmd:
      - python seen.py forked 'two words' || echo $? > code
      - LC_ALL=C python seen.py started '' || true
      - pe-dvc nonsense > /dev/null 2>&1 || echo $? >> code
    outs: [forked, started, code]
"""


def test_what_a_stage_runs_is_forked_as_well(tmp_path: Path) -> None:
    (tmp_path / "seen.py").write_text(SEEN)
    (tmp_path / "dvc.yaml").write_text(STAGE)
    for command in (["init", "--no-scm", "--quiet"], ["repro", "--quiet"]):
        done = run_forked(["dvc", *command], tmp_path, os.environ)
        assert done is not None
        assert done.returncode == 0, done.stderr
    place = tmp_path.name
    forked, started = (json.loads((tmp_path / name).read_text()) for name in ("forked", "started"))
    assert forked == [["forked", "two words"], place, "look", True]
    assert started == [["started", ""], place, "look", False]
    assert (tmp_path / "code").read_text().split() == ["3", "2"]


def test_what_package_clients_were_given_is_no_reason_to_start_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fixture of the session has it in its environment; what a test sets is another thing."""
    ca = {"SSL_CERT_FILE": str(tmp_path)}
    monkeypatch.setattr(forked_commands, "_AT_START", ca)
    done = run_forked(["pe-dvc", "--version"], tmp_path, {**os.environ, **ca})
    assert done is not None
    assert done.returncode == 0
    other = {**os.environ, "SSL_CERT_FILE": "C"}
    assert run_forked(["pe-dvc", "--version"], tmp_path, other) is None


def test_a_script_runs_forked_commands_where_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script, environment = ["sh", "-c", "command -v dvc; command -v pe-dvc"], dict(os.environ)
    said = run(*script, environment=with_forked_commands(environment)).stdout
    assert str(BIN) not in said
    monkeypatch.setenv("SOAK", "1")
    said = run(*script, environment=with_forked_commands(environment)).stdout
    assert said.splitlines() == [str(BIN / "dvc"), str(BIN / "pe-dvc")]


def test_other_commands_of_the_same_name_are_not_forked(tmp_path: Path) -> None:
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    assert run_forked(["dvc", "version"], tmp_path, {**os.environ, "PATH": path}) is None
    assert run_forked([str(tmp_path / "dvc"), "version"], tmp_path, os.environ) is None


def test_a_home_that_was_written_to_is_no_other_tests(tmp_path: Path) -> None:
    homes = Homes(tmp_path)
    first = homes.next()["HOME"]
    assert homes.next()["HOME"] == first
    (tmp_path / first / ".cache").mkdir()
    second = homes.next()["HOME"]
    assert second != first
    with (tmp_path / second / ".gitconfig").open("a") as settings:
        settings.write("[core]\n")
    assert homes.next()["HOME"] not in (first, second)
