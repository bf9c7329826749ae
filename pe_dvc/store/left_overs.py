"""Temporary files that a killed process left: known by their names, and removed by the next one.

A name of ``temporary_name`` tells which process made it. One that ran here and has ended left it
for good; of one that ran elsewhere, or before a reboot, only the age of the file tells.
"""

from __future__ import annotations

import os
import re
import stat
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from pe_dvc.store.atomic_write import unique
from pe_dvc.store.process_identity import ProcessIdentity, is_running

if TYPE_CHECKING:
    from collections.abc import Iterator

ABANDONED_AFTER = 24 * 3600.0
"""Seconds after which a temporary file of a process on another machine counts as left over."""

_NAME = r"([0-9a-f]{8})-([0-9a-f]{1,8})-([0-9a-f]{1,16})-[0-9a-f]{17,32}\.tmp"


def temporary_name(name: str = "") -> str:
    """Return a new name for the file that is to become ``name``."""
    return f"{name[:40]}.{unique()}.tmp"


def is_temporary(name: str) -> bool:
    """Tell whether a file's name is one of ``temporary_name``."""
    return _match(name) is not None


def sweep(folder: int) -> None:
    """Remove from a folder, by its descriptor, the temporary files of processes that have ended."""
    for name, found in left_overs(folder):
        if not stat.S_ISDIR(found.st_mode):
            with suppress(OSError):  # gone meanwhile, or not ours to remove
                os.unlink(name, dir_fd=folder)


def left_overs(folder: int) -> Iterator[tuple[str, os.stat_result]]:
    """Yield what processes that have ended left in a folder, and what ``lstat`` tells of it."""
    for name in os.listdir(folder):
        if match := _match(name):
            with suppress(FileNotFoundError):
                found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                if _is_left_over(match, found):
                    yield name, found


def _match(name: str) -> re.Match[str] | None:
    # Names of datasets hold dots, too: the last part but one is ours.
    return re.fullmatch(_NAME, ".".join(name.rsplit(".", 2)[1:])) if name.endswith(".tmp") else None


def _is_left_over(match: re.Match[str], found: os.stat_result) -> bool:
    if match[1] == ProcessIdentity.own().place:
        return not is_running(int(match[2], 16), int(match[3], 16))
    return time.time() - found.st_mtime > ABANDONED_AFTER
