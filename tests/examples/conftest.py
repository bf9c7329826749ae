"""The examples are run as a reader would run them: as commands, in a repo of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from tests.support.paths import ROOT

US_CPS = ROOT / "examples" / "us-cps"
VERSION = "6.8.0"
SHA256 = "3813377ba9c5a4cdc1854093dff84f3d942ae6cd16593e142daf37bf385db024"

Run = Callable[..., subprocess.CompletedProcess[str]]


def _run(*command: str | Path, cwd: Path, code: int | None = 0) -> subprocess.CompletedProcess[str]:
    """Run a command with the tools of this environment; ``code`` is None where it may fail."""
    tools = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={**os.environ, "PATH": tools},
        capture_output=True,
        text=True,
        check=False,
    )
    if code is not None:
        assert done.returncode == code, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture
def run() -> Run:
    return _run


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tax-Calculator's sdist, fetched once for all tests by the example's own script.

    Session fixtures are set up before the home is isolated: pip is set up as the user has it.
    """
    if given := os.environ.get("US_CPS_SDIST"):
        return Path(given)
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    path = shared / "taxcalc.tar.gz"
    with FileLock(f"{path}.lock"):
        if not path.exists():
            partial = shared / "taxcalc.partial"
            _run(sys.executable, US_CPS / "build/download.py", VERSION, SHA256, partial, cwd=shared)
            partial.rename(path)
    return path
