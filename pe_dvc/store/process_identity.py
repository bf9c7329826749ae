"""Which process wrote something, so that others can tell whether it still runs.

A process id means something on one machine, during one boot, in one namespace of process ids
(each container has its own), and is used again. So all of these are written down with it.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path
from typing import NamedTuple, Self

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_START_TIME = 18
"""Place of the start time among the fields of /proc/<pid>/stat that follow the state."""
_ENDED = "ZX"
"""States of a process whose parent has not heard of its end yet."""


class ProcessIdentity(NamedTuple):
    """A process: its ``host``, the ``boot`` and namespace it runs in, its ``pid``, its ``start``.

    ``start`` is in the kernel's clock ticks since the boot.
    """

    host: str
    boot: str
    pid: int
    start: int

    @classmethod
    def own(cls) -> Self:
        """Return this process."""
        pid = os.getpid()
        return cls(host=_host(), boot=_boot(), pid=pid, start=_own_start(pid))

    def is_gone(self) -> bool:
        """Tell whether the process is known to have ended; False where that cannot be told."""
        same_place = (self.host, self.boot) == (_host(), _boot())
        return same_place and not is_running(self.pid, self.start)

    @property
    def place(self) -> str:
        """Eight hex digits for its host, boot and namespace."""
        return hashlib.sha256(f"{self.host} {self.boot}".encode()).hexdigest()[:8]


def is_running(pid: int, start: int) -> bool:
    """Tell whether the process of that id and start time runs in this place."""
    found = _start_of(pid)
    if found is not None:
        return found == start
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's, of which this machine shows nothing else
    return True


def boot_id() -> str:
    """Return the id of this boot of the machine."""
    return _BOOT_ID.read_text().strip()


@cache
def _host() -> str:
    return os.uname().nodename  # as socket.gethostname(), without importing socket for it


@cache
def _boot() -> str:
    return f"{boot_id()}/{Path('/proc/self/ns/pid').stat().st_ino}"


@cache
def _own_start(pid: int) -> int:
    return _start_of(pid) or 0


def _start_of(pid: int) -> int | None:
    """Return when a process started, -1 if it has ended; None if there is none of that id."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *fields = text.rpartition(")")[2].split()
    return -1 if state in _ENDED else int(fields[_START_TIME])
