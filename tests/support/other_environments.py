"""Programs of others in environments of their own, from locks: their pins do not go with ours."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from tests.support.paths import ROOT

FOLDER = ROOT / "tests/validators"


@pytest.fixture(scope="session")
def validators() -> Path:
    """The Python that has the validators of others' formats."""
    return _python_with("validators")


@pytest.fixture(scope="session")
def core() -> Path:
    """The Python that has policyengine-core."""
    return _python_with("core")


@pytest.fixture(scope="session")
def acro() -> Path:
    """The Python that has acro, which checks tables for disclosure."""
    return _python_with("acro")


def _python_with(name: str) -> Path:
    """Return the Python of the environment of ``tests/validators/NAME.lock``; make it once.

    Skips tests where no package registry can be reached.
    """
    lock = FOLDER / f"{name}.lock"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    place = Path(sys.prefix) / f"{name}-{digest}"
    with FileLock(f"{place}.lock"):
        if not (place / ".ready").exists():
            uv, python = Path(sys.prefix) / "bin/uv", place / "bin/python"
            _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, place)
            _run(uv, "pip", "sync", "--quiet", "--python", python, "--require-hashes", lock)
            (place / ".ready").touch()
    return place / "bin/python"


def _run(*command: object) -> None:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"!!! not tested, as its environment cannot be made: {done.stderr[-300:]}")
