"""How tests run commands."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.forked_commands import run_forked

if TYPE_CHECKING:
    from collections.abc import Mapping

Done = subprocess.CompletedProcess[str]

GIT_STATUS = ("git", "status", "--porcelain", "--", ".", ":(exclude,glob)**/channels/*/seen/**")
"""What differs from HEAD, but for what a push noted and the next commit takes up."""


def run(
    *command: str | Path,
    cwd: Path | None = None,
    code: int | None = 0,
    environment: Mapping[str, str] | None = None,
) -> Done:
    """Run a command and check its exit code; None means that any will do.

    ``environment`` is all that it gets; by default the test's own.
    """
    arguments = list(map(str, command))
    forked = run_forked(
        arguments, cwd or Path(), os.environ if environment is None else environment
    )
    done = forked or subprocess.run(
        arguments,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if code is not None:
        said = f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == code, said
        assert "Traceback" not in done.stderr, said
    return done


def user_of_files() -> tuple[str, ...]:
    """Return what runs a command as somebody whom modes of files hold; empty if there is no way."""
    if os.geteuid() != 0:
        return ("env",)
    powers = "-dac_override,-dac_read_search"
    found = shutil.which("setpriv")
    return (found, f"--bounding-set={powers}", f"--inh-caps={powers}") if found else ()


def run_pe_dvc(
    *arguments: str | Path,
    cwd: Path | None = None,
    code: int | None = 0,
    environment: Mapping[str, str] | None = None,
) -> Done:
    """Run ``pe-dvc`` as a person would; as ``run``."""
    return run("pe-dvc", *arguments, cwd=cwd, code=code, environment=environment)
