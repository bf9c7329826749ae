"""The files of a data repo, wherever they are: the work tree, git's index, or a commit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from pe_dvc.primitives.line_endings import as_committed

if TYPE_CHECKING:
    from collections.abc import Iterator


class RepoTree(ABC):
    """Reads files by their paths in the data repo, with forward slashes; ``""`` is its root."""

    @abstractmethod
    def read(self, path: str) -> bytes:
        """Return a file's bytes. Raises NotFoundError, and FormatError for one that is too long."""

    def read_signed(self, path: str) -> bytes:
        """Return a file of ours that is signed, or signed for: with the line endings as written.

        Raises NotFoundError.
        """
        return as_committed(self.read(path))

    @abstractmethod
    def has(self, path: str) -> bool:
        """Tell whether there is a file of that path."""

    @abstractmethod
    def entries(self, folder: str) -> tuple[list[str], list[str]]:
        """Return the names of the files and of the folders in ``folder``, each sorted.

        No names where there is no such folder.
        """

    @abstractmethod
    def where(self, path: str) -> str:
        """Return what messages call a file of this tree."""

    def files(self, folder: str = "") -> Iterator[str]:
        """Yield the path of every file below ``folder``, before those of the folders beside it."""
        waiting = [folder]
        while waiting:
            here = waiting.pop()
            files, folders = self.entries(here)
            prefix = f"{here}/" if here else ""
            yield from (prefix + name for name in files)
            waiting += [prefix + name for name in reversed(folders)]
