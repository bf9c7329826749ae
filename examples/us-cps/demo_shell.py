"""What the demo runs commands with: each is printed, run in isolation, and checked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_FOREIGN = ("AWS_", "DVC_", "GIT_", "GOOGLE_", "PE_DVC_")


class DemoError(Exception):
    """A step of the demo failed."""


def check(truth: bool, claim: str) -> None:
    """Print ``claim`` as checked, or fail with it."""
    if not truth:
        raise DemoError(f"check failed: {claim}")
    print(f"  ✓ {claim}", flush=True)


class Shell:
    """Runs commands below ``home``, with keys, configuration and caches of its own there.

    Of the user's files only pip's settings are read, and none is written.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environ = {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN)}
        # The directory of this interpreter, not of its link's target: the venv's.
        tools = Path(sys.executable).parent
        self.environ["PATH"] = os.pathsep.join([str(tools), self.environ.get("PATH", os.defpath)])
        for variable in ("DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR", "DVC_SITE_CACHE_DIR"):
            self.environ[variable] = str(home / "dvc" / variable.lower())
        for what in ("keys", "config", "state", "cache"):
            self.environ[f"PE_DVC_{what.upper()}_DIR"] = str(home / "pe_dvc" / what)
        self.environ |= {
            "DVC_NO_ANALYTICS": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            **{f"GIT_{who}_NAME": "A. Maintainer" for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_EMAIL": "maintainer@example.org" for who in ("AUTHOR", "COMMITTER")},
        }

    def place(self, what: str) -> Path:
        """Return pe_dvc's directory of ``keys``, ``config``, ``state`` or ``cache``."""
        return Path(self.environ[f"PE_DVC_{what.upper()}_DIR"])

    def export(self, variable: str, value: str) -> None:
        """Set an environment variable for the commands to come."""
        print(f"$ export {variable}={value}", flush=True)
        self.environ[variable] = value

    def run(self, where: Path, *command: str, exit_code: int = 0) -> str:
        """Print a command, run it in ``where``, print what it says and return that.

        Raises DemoError if it ends with another code than ``exit_code``.
        """
        print(f"\n{where.name}$ {' '.join(command)}", flush=True)
        said: list[str] = []
        with subprocess.Popen(
            command,
            cwd=where,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                print(f"  {line}", end="", flush=True)
                said.append(line)
        if process.returncode != exit_code:
            raise DemoError(
                f"{' '.join(command)} in {where} ended with code {process.returncode}, "
                f"and {exit_code} was expected"
            )
        return "".join(said)
