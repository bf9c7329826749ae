"""Which processes hold a lock, for the message to one that waited for it in vain."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_PROCESSES = Path("/proc")


def lock_holders(locked: Path, byte: int = 0) -> list[str]:
    """Return the processes that hold a lock on a byte of a file, such as ``812 (pe-dvc)``.

    The kernel tells it only of the user's own processes, on this machine and in this container.
    ``/proc/locks`` would not do: it has no process for open file description locks. Nothing is
    known of a file that is gone.
    """
    try:
        found = locked.stat()
    except FileNotFoundError:
        return []
    device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}"
    inode = f"{device}:{found.st_ino}"
    return [
        f"{process.name}{_command(process)}"
        for process in _PROCESSES.iterdir()
        if process.name.isdigit() and any(_covers(lock, inode, byte) for lock in _locks(process))
    ]


def _locks(process: Path) -> list[list[str]]:
    """Return the fields of each lock on a file that a process has open (proc(5), fdinfo)."""
    lines: list[str] = []
    with suppress(OSError):  # another user's, or it has ended
        for file in (process / "fdinfo").iterdir():
            with suppress(OSError):  # closed meanwhile
                lines += file.read_text().splitlines()
    return [line.split() for line in lines if line.startswith("lock:")]


def _covers(lock: list[str], inode: str, byte: int) -> bool:
    *_, locked, start, end = lock
    return locked == inode and int(start) <= byte and (end == "EOF" or byte <= int(end))


def _command(process: Path) -> str:
    """Return a process's name without its arguments: they may hold a secret."""
    with suppress(OSError):
        return f" ({(process / 'comm').read_text().strip()})"
    return ""
