"""``pe-dvc --help`` needs no click, and prints what click would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pe_dvc.cli import start
from tests.support.command_reference import HELP, top_help
from tests.support.commands import run, run_pe_dvc

LOADED = (
    "import atexit, sys; sys.argv = [{name!r}, {argument!r}];"
    "atexit.register(lambda: print(*sys.modules, file=sys.stderr));"
    "from pe_dvc.cli.start import main; main()"
)


def loaded(argument: str, *, name: str = "pe-dvc", **environment: str) -> set[str]:
    """Return the modules that a command loads."""
    program = LOADED.format(name=name, argument=argument)
    given = {**os.environ, **environment}
    return set(run(sys.executable, "-c", program, environment=given).stderr.split())


def test_the_help_is_clicks_own() -> None:
    assert HELP.read_text() == top_help(), "pe_dvc/cli/help.txt is stale: run make reference"


@pytest.mark.parametrize("argument", ["--help", "-h"])
@pytest.mark.parametrize("columns", ["80", "200", "0", "wide", ""])
def test_help(argument: str, columns: str) -> None:
    done = run_pe_dvc(argument, environment={**os.environ, "COLUMNS": columns})
    assert done.stdout == top_help()


def test_a_narrow_terminal_has_narrow_help() -> None:
    done = run_pe_dvc("--help", environment={**os.environ, "COLUMNS": "50"})
    assert max(map(len, done.stdout.splitlines())) <= 50
    assert "click" in loaded("--help", COLUMNS="79")


def test_a_terminal_of_its_own_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(os, "get_terminal_size", lambda number: os.terminal_size((60, 20)))
    assert not start._is_wide()


def test_help_loads_no_click_and_little_else() -> None:
    found = loaded("--help")
    assert "click" not in found
    ours = {name for name in found if name.partition(".")[0] == "pe_dvc"}
    assert ours == {"pe_dvc", "pe_dvc.cli", "pe_dvc.cli.start"}
    assert "click" in loaded("--version")
    assert "click" in loaded("--help", name="other")


def test_help_into_a_pipe_that_closes() -> None:
    command = str(Path(sys.executable).with_name("pe-dvc"))
    done = subprocess.run(
        ["bash", "-c", f"'{command}' --help | true; echo ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "0"
    assert not done.stderr
