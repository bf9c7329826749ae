"""Where the directories of tests lie: in memory, where there is room.

To wait for a disk takes as long as all else in many tests: git, DVC and pe-dvc have each file that
they write reach it. Those waits are for machines that lose their power, which no test can try; that
files are synced at all is seen from the calls.
"""

from __future__ import annotations

import os
from pathlib import Path

IN_MEMORY = Path("/dev/shm")
ROOM = 8 << 30
"""Bytes that must be free, of it and of memory: some tests write files of a gigabyte."""


def place_for_tests() -> Path | None:
    """Return a directory in memory with room for all tests; None where there is none."""
    try:
        found = os.statvfs(IN_MEMORY)
    except OSError:
        return None
    executable = not found.f_flag & os.ST_NOEXEC
    room = min(found.f_bavail * found.f_frsize, _available_memory())
    usable = os.access(IN_MEMORY, os.W_OK | os.X_OK)
    return IN_MEMORY if usable and executable and room >= ROOM else None


def _available_memory() -> int:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return 0
    fields = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
    return int(fields.get("MemAvailable", ["0"])[0]) * 1024
