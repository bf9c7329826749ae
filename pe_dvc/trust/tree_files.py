"""A country's signed metadata as a git commit holds it: the files of a tree, not of a directory."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pe_dvc.trust.files import ChannelFiles

if TYPE_CHECKING:
    from collections.abc import Callable


class TreeChannelFiles(ChannelFiles):
    """Reads metadata by ``read``, which takes a path of the tree and raises NotFoundError."""

    def __init__(self, read: Callable[[str], bytes], directory: str, country: str) -> None:
        super().__init__(Path(PurePosixPath(directory)), country)
        self._from_tree = read

    def _read(self, path: Path) -> bytes:
        return self._from_tree(path.as_posix())
