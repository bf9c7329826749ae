"""Programs of others in environments of their own, from locks: their pins do not go with ours."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from tests.support.paths import ROOT

# Tests may not see how a registry is reached, and one may be the first to ask for a program.
_CLIENTS = dict(os.environ)
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


@pytest.fixture(scope="session")
def intoto() -> Path:
    """The Python that has the schemas of in-toto and a DSSE verifier, and none of pe_dvc."""
    return _python_with("intoto")


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


def azurite() -> list[str]:
    """Return the command that starts Azure's blob server, of the lock in ``azurite``."""
    return node_program("azurite", "azurite/dist/src/blob/main.js")


def node_program(name: str, script: str) -> list[str]:
    """Return the command that runs ``script`` of the packages of ``NAME/package-lock.json``.

    Skips tests where there is no Node.js, or no package registry can be reached.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("!!! not tested, as there is no Node.js with npm: apt-get install nodejs npm")
    lock = FOLDER / name / "package-lock.json"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    place = Path(sys.prefix) / f"{name}-{digest}"
    with FileLock(f"{place}.lock"):
        if not (place / ".ready").exists():
            shutil.copytree(lock.parent, place, dirs_exist_ok=True)
            quiet = (
                "--loglevel=error",
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
                "--fetch-retries=1",
            )
            _run(npm, "ci", *quiet, "--prefix", place)
            (place / ".ready").touch()
    return [node, str(place / "node_modules" / script)]


def _run(*command: object) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        env=_CLIENTS,
    )
    if done.returncode:
        pytest.skip(f"!!! not tested, as its environment cannot be made: {done.stderr[-300:]}")
