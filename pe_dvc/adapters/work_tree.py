"""The files of a data repo as they lie in the work tree."""

from __future__ import annotations

import os
from pathlib import Path

from pe_dvc.documents.repo_tree import RepoTree
from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.store.plain_files import read_document


class WorkTree(RepoTree):
    """The files below ``root``. Folders that are links are not followed, as DVC and git do not."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, path: str) -> bytes:
        """Return a file's bytes. Raises NotFoundError, FormatError."""
        try:
            return read_document(f"{self._root}/{path}")
        except IsADirectoryError:
            raise NotFoundError(f"{self.where(path)} is a directory, not a file") from None
        except (FileNotFoundError, NotADirectoryError):
            raise NotFoundError(f"{self.where(path)} does not exist") from None

    def has(self, path: str) -> bool:
        """Tell whether there is a file of that path."""
        return os.path.isfile(f"{self._root}/{path}")  # noqa: PTH113 - asked thousands of times

    def entries(self, folder: str) -> tuple[list[str], list[str]]:
        """Return the names of the files and of the folders in ``folder``, each sorted."""
        files, folders = [], []
        try:
            with os.scandir(Path(self._root, folder)) as found:
                for entry in found:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.name)
                    elif not entry.is_dir():
                        files.append(entry.name)
        except OSError:  # gone meanwhile, or not for us to see
            return [], []
        return sorted(files), sorted(folders)

    def where(self, path: str) -> str:
        """Return the file's path on this machine."""
        return str(self._root / path)
