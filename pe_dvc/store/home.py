"""Paths that begin with ``~``, the home of this user or of another."""

from __future__ import annotations

import os
from pathlib import Path


def expand_home(path: str | Path) -> Path:
    """Return the path with its ``~`` replaced; that of a user who does not exist stays, as in sh.

    ``Path.expanduser`` raises RuntimeError then, and the path may come from a clone.
    """
    return Path(os.path.expanduser(path))  # noqa: PTH111
