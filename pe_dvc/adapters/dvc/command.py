"""The ``dvc`` command, for what changes DVC's own files."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import PeDvcError
from pe_dvc.store.scratch import scratch_directory

if TYPE_CHECKING:
    from pathlib import Path

_ERROR = "ERROR: "
_NOTES = "DVC_SITE_CACHE_DIR"
"""Where DVC keeps notes for each repo; else a directory that the clone's configuration may name."""


def run_dvc(root: Path, *arguments: str) -> None:
    """Run ``dvc`` of this Python in ``root``. Raises PeDvcError, with DVC's words, if it fails."""
    with scratch_directory() as notes:
        environment = {_NOTES: str(notes), **os.environ, "DVC_NO_ANALYTICS": "1"}
        # -P: a folder "dvc" of the repo is not the program that is to run.
        done = subprocess.run(
            [sys.executable, "-P", "-m", "dvc", *arguments],
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    if done.returncode:
        lines = done.stderr.splitlines()
        told = [line.removeprefix(_ERROR) for line in lines if line.startswith(_ERROR)] or lines
        raise PeDvcError(f"dvc {arguments[0]} failed in {root}: {' '.join(told)}")
