"""The git repo around a data repo: its commit, and what differs from it.

The only module that knows pygit2.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class GitState:
    """HEAD's commit in hex, None before the first one, and whether the work tree differs."""

    commit: str | None
    dirty: bool


class GitRepo:
    """The git repo that a data repo lies in. Paths are relative to the data repo."""

    def __init__(self, root: Path) -> None:
        """Open the git repo around ``root``. Raises NotFoundError where there is none."""
        import pygit2

        found = pygit2.discover_repository(str(root))
        if found is None:
            raise NotFoundError(f"{root} is not in a git repo", remedy="Run `git init` there.")
        self._repo = pygit2.Repository(found)
        workdir = self._repo.workdir
        if workdir is None:
            raise NotFoundError(f"{root} is in a bare git repo", remedy="Work in a clone of it.")
        self._prefix = posixpath.relpath(root.resolve().as_posix(), workdir.rstrip("/"))

    def state(self, *, written: Collection[str] = ()) -> GitState:
        """Return the commit and whether files, untracked ones too, differ from it.

        ``written`` are the files and directories that ``dvc repro`` itself writes: they do not
        count, nor does any ``.gitignore`` or ``dvc.lock``.
        """
        import pygit2

        ignored = [self._in_git(path) for path in written]
        changed = [
            path
            for path, flags in self._repo.status(untracked_files="all").items()
            if flags not in (pygit2.enums.FileStatus.CURRENT, pygit2.enums.FileStatus.IGNORED)
            and posixpath.basename(path) not in (".gitignore", "dvc.lock")
            and not any(path == own or path.startswith(f"{own}/") for own in ignored)
        ]
        commit = None if self._repo.head_is_unborn else str(self._repo.head.target)
        return GitState(commit=commit, dirty=bool(changed))

    def ignores(self, path: str) -> bool:
        """Tell whether git ignores ``path``; one that ends in a slash is a directory."""
        return bool(self._repo.path_is_ignored(self._in_git(path)))

    def _in_git(self, path: str) -> str:
        return path if self._prefix == "." else f"{self._prefix}/{path}"
