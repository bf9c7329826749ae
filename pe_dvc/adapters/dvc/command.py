"""The ``dvc`` command, for what changes DVC's own files."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import PeDvcError

if TYPE_CHECKING:
    from pathlib import Path


def run_dvc(root: Path, *arguments: str) -> None:
    """Run ``dvc`` of this Python in ``root``. Raises PeDvcError, with DVC's words, if it fails."""
    # -P: a folder "dvc" of the repo is not the program that is to run.
    done = subprocess.run(
        [sys.executable, "-P", "-m", "dvc", *arguments, "--quiet"],
        cwd=root,
        env={**os.environ, "DVC_NO_ANALYTICS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().removeprefix("ERROR: ")
        raise PeDvcError(f"dvc {arguments[0]} failed in {root}: {said}")
