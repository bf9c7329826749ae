"""Making a directory cold without deleting its files.

ext4 passes over the inodes that were deleted in the last minute or minutes, one by one, for every
file that is created: thousands of deletions before a run cost it up to a second of system time.
Nobody who downloads for the first time has just deleted that much.
"""

from __future__ import annotations

import os
import time
from pathlib import Path


def set_aside(path: Path, aside: Path) -> None:
    """Move ``path`` into ``aside``, if it is there, and give back the space of its files."""
    if not path.exists():
        return
    aside.mkdir(exist_ok=True)
    old = path.rename(aside / f"{time.time_ns()}")
    for folder, _, names in os.walk(old):
        for name in names:
            file = Path(folder, name)
            if file.is_file() and not file.is_symlink():
                file.chmod(0o600)
                os.truncate(file, 0)
