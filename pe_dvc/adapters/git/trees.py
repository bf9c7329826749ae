"""What git holds of a data repo's files: a commit's, or those that the next commit will have."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.repo_tree import RepoTree
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.store.plain_files import DOCUMENT_LIMIT

if TYPE_CHECKING:
    from collections.abc import Mapping

Folder = tuple[list[str], list[str]]


class GitTree(RepoTree):
    """The files of one commit; ``name`` is what messages call it, a tag's or the hash."""

    def __init__(self, tree: Any, prefix: str, commit: str, name: str | None = None) -> None:
        self._prefix, self.commit, self._name = prefix, commit, name or commit[:12]
        self._root = entry_at(tree, prefix) if prefix else tree
        self._opened: dict[str, Any] = {"": _tree(self._root)}

    def read(self, path: str) -> bytes:
        """Return a file's bytes. Raises NotFoundError."""
        found = self._file(path)
        if found is None:
            where = f"{self._prefix}/{path}" if self._prefix else path
            raise NotFoundError(f"commit {self.commit[:12]} has no file {where}")
        return _data(found, self.where(path))

    def has(self, path: str) -> bool:
        """Tell whether there is a file of that path."""
        return self._file(path) is not None

    def _file(self, path: str) -> Any:
        folder, _, name = path.rpartition("/")
        found = entry_at(self._folder(folder), name)
        return found if found is not None and found.type_str == "blob" else None

    def _folder(self, folder: str) -> Any:
        """Return a folder, None for what is none; kept, as git reads a large one for each file."""
        if folder not in self._opened:
            self._opened[folder] = _tree(entry_at(self._root, folder))
        return self._opened[folder]

    def entries(self, folder: str) -> Folder:
        """Return the names of the files and of the folders in ``folder``, each sorted."""
        tree = self._folder(folder)
        if tree is None:
            return [], []
        found = [(entry.name, entry.type_str) for entry in tree if _is_plain(entry.name)]
        files = sorted(name for name, kind in found if kind == "blob")
        return files, sorted(name for name, kind in found if kind == "tree")

    def where(self, path: str) -> str:
        """Return what messages call a file of this tree, as git itself does."""
        return f"{self._name}:{path}"


class StagedTree(RepoTree):
    """The files as the next commit will have them; ``blobs`` is git's index: path and id (hex)."""

    def __init__(self, repo: Any, blobs: Mapping[str, str], prefix: str) -> None:
        self._repo, self._index = repo, blobs
        self._prefix = f"{prefix}/" if prefix else ""

    def read(self, path: str) -> bytes:
        """Return a file's bytes. Raises NotFoundError."""
        if not self.has(path):
            raise NotFoundError(f"{path} is not staged in git")
        return _data(self._repo[self._blobs[path]], self.where(path))

    def has(self, path: str) -> bool:
        """Tell whether there is a file of that path."""
        return path in self._blobs

    def entries(self, folder: str) -> Folder:
        """Return the names of the files and of the folders in ``folder``, each sorted."""
        return self._folders.get(folder, ([], []))

    def where(self, path: str) -> str:
        """Return what messages call a file of this tree."""
        return f"{path} as it is staged"

    @cached_property
    def _blobs(self) -> Mapping[str, str]:
        skip = len(self._prefix)
        below = (item for item in self._index.items() if item[0].startswith(self._prefix))
        return {path[skip:]: blob for path, blob in below}

    @cached_property
    def _folders(self) -> Mapping[str, Folder]:
        found: dict[str, Folder] = {}
        for path in self._blobs:
            folder, _, name = path.rpartition("/")
            _make(found, folder)[0].append(name)
        return {folder: (sorted(files), sorted(below)) for folder, (files, below) in found.items()}


def _make(folders: dict[str, Folder], folder: str) -> Folder:
    """Return the contents of ``folder``, having entered it into all folders above it."""
    new, above = [], folder
    while above not in folders:  # not by recursion: who commits says how deep a path is
        folders[above] = ([], [])
        new += [above] if above else []
        above = above.rpartition("/")[0]
    for path in new:
        parent, _, name = path.rpartition("/")
        folders[parent][1].append(name)
    return folders[folder]


def _data(blob: Any, where: str) -> bytes:
    try:
        size = blob.size
    except KeyError:
        raise NotFoundError(
            f"{where} is not in this clone, which is a partial one",
            remedy="Make a clone without --filter.",
        ) from None
    if size > DOCUMENT_LIMIT:
        raise FormatError(
            f"has {size} bytes, and {DOCUMENT_LIMIT} at most are read of such a file",
            where=where,
        )
    data: bytes = blob.data
    return data


def entry_at(tree: Any, path: str) -> Any:
    """Return what a tree has at a path, None for nothing."""
    try:
        return None if tree is None else tree[path]
    except KeyError:
        return None


def _tree(found: Any) -> Any:
    """Return what was found if it is a folder, else None."""
    return found if found is not None and found.type_str == "tree" else None


def _is_plain(name: str) -> bool:
    # No git writes others, an attacker's tree may hold them: they would climb out of it.
    return name not in (".", "..") and "/" not in name
