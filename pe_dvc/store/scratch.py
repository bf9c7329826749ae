"""Directories for what is needed for a moment only; those of killed processes are removed."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.primitives.interruption import undone_on_exit
from pe_dvc.store.left_overs import left_overs, temporary_name

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = "pe-dvc"


@contextmanager
def scratch_directory() -> Iterator[Path]:
    """Give a new directory of this process alone; it and all that is in it go at the end."""
    top = Path(tempfile.gettempdir())
    _sweep(top)
    directory = top / temporary_name(_NAME)
    directory.mkdir(mode=0o700)

    def remove() -> None:
        shutil.rmtree(directory, ignore_errors=True)

    try:
        with undone_on_exit(remove):
            yield directory
    finally:
        remove()


def _sweep(top: Path) -> None:
    descriptor = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name, found in left_overs(descriptor):
            if name.startswith(f"{_NAME}.") and found.st_uid == os.geteuid():
                shutil.rmtree(name, ignore_errors=True, dir_fd=descriptor)
    finally:
        os.close(descriptor)
