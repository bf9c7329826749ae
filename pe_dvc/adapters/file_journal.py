"""The journal of a check, as a file: what was found good by a run that was cut off."""

from __future__ import annotations

import json
import os
from threading import Lock
from typing import TYPE_CHECKING

from pe_dvc.store.confined import OPEN_OR_MAKE, ConfinedTree
from pe_dvc.store.permissions import PRIVATE

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.store.port import ObjectInfo


class FileJournal:
    """One line for each object that was found good, by key and etag; gone once all were seen."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, Lock()
        files = ConfinedTree(path.parent, modes=PRIVATE)
        self._file = os.fdopen(files.open_file(path.name, OPEN_OR_MAKE | os.O_APPEND), "r+")
        # A line that a crash cut short equals no object's.
        self._known = set(self._file.read().splitlines())

    def knows(self, info: ObjectInfo) -> bool:
        """Return whether this very object was found good."""
        return _line(info) in self._known

    def add(self, info: ObjectInfo) -> None:
        """Remember that it was."""
        with self._lock:
            self._file.write(f"{_line(info)}\n")
            self._file.flush()

    def finish(self) -> None:
        """Forget everything: the next check starts again."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def _line(info: ObjectInfo) -> str:
    return json.dumps([info.key, info.etag, info.size])
