"""The work tree of git that a data repo lies in: its commit, and what differs from it.

What is asked of the index and the work tree is asked of git, not of libgit2, which knows no split
or sparse index, no sparse checkout, and not the filters that users configure.
"""

from __future__ import annotations

import os
import posixpath
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.git.command import ask_git, run_git
from pe_dvc.adapters.git.ignore_rules import IgnoreRules, ignore_rules
from pe_dvc.adapters.git.opening import open_repository
from pe_dvc.adapters.git.ownership import check_owner
from pe_dvc.adapters.git.trees import StagedTree
from pe_dvc.primitives.errors import NotFoundError, PeDvcError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class GitRepo:
    """The git repo that a data repo lies in. Paths are relative to the data repo."""

    def __init__(self, root: Path) -> None:
        """Open the git repo around ``root``.

        Raises NotFoundError where there is none, and PeDvcError for one that cannot be opened.
        """
        self._root = root
        self._top = _top_by_git(root) or self._top_by_libgit2()
        self._prefix = posixpath.relpath(root.resolve().as_posix(), self._top.as_posix())

    @cached_property
    def _repo(self) -> Any:
        return open_repository(self._root, remedy="Run `git init` there.")

    def _top_by_libgit2(self) -> Path:
        workdir = self._repo.workdir
        if workdir is None:
            raise NotFoundError(
                f"{self._root} is in a bare git repo", remedy="Work in a clone of it."
            )
        return Path(workdir)

    @property
    def top(self) -> Path:
        """The directory of the git repo itself, which the data repo may lie below."""
        return self._top.resolve()

    def branch(self) -> str | None:
        """Return the branch that is checked out, None where none is."""
        done = run_git(self._top, "symbolic-ref", "--short", "--quiet", "HEAD")
        return done.stdout.strip() or None

    def commit(self) -> str | None:
        """Return HEAD's commit in hex, None before the first one."""
        return None if self._repo.head_is_unborn else str(self._repo.head.target)

    def changed_anywhere(self, wanted: Callable[[str], bool]) -> list[str]:
        """Return the ``wanted`` files of the whole git repo that differ from HEAD.

        Untracked ones too. Paths are relative to the data repo, and may begin with ``../``.
        """
        paths = (posixpath.relpath(path, self._prefix) for path in changed_files(self._top))
        return sorted(filter(wanted, paths))

    def changed(self, wanted: Callable[[str], bool]) -> list[str]:
        """Return the ``wanted`` files of the data repo that differ from HEAD, or are not in it."""
        prefix = self._in_git("")
        below = (path for path in changed_files(self._top) if path.startswith(prefix))
        return sorted(filter(wanted, (path.removeprefix(prefix) for path in below)))

    def unmerged(self) -> list[str]:
        """Return the files of the data repo in which a merge that goes on has a conflict."""
        prefix, paths = self._in_git(""), []
        for state, path in _status(self._top):
            if state in _UNMERGED and path.startswith(prefix):
                paths.append(path.removeprefix(prefix))
        return sorted(paths)

    def files(self) -> list[Path]:
        """Return every file of the whole work tree that git tracks or would add."""
        options = ("--cached", "--others", "--exclude-standard")
        return [self._top / path for path in self._listed(*options)]

    def tracks(self, path: str) -> bool:
        """Tell whether git's index holds the file ``path``."""
        return self._in_git(path) in self._tracked

    def holds(self, path: str) -> bool:
        """Tell whether ``path`` came with git: as a file, or by a link or submodule on the way.

        Whatever the case of its letters, as file systems differ in that.
        """
        place = PurePosixPath(self._in_git(path))
        way = {step.as_posix().casefold() for step in (place, *place.parents)}
        return any(tracked.casefold() in way for tracked in self._tracked)

    def has_remotes(self) -> bool:
        """Tell whether the repo has remotes, so that others may have written what is in it."""
        known = ask_git(self._top, "for-each-ref", "--count=1", "refs/remotes")
        return bool(known or ask_git(self._top, "remote"))

    @contextmanager
    def ignore_rules(self) -> Iterator[IgnoreRules]:
        """Give what tells which paths git ignores; with a slash at the end a directory."""

        def by_libgit2(path: str) -> bool:
            return bool(self._repo.path_is_ignored(path))

        with ignore_rules(self._top, self._in_git, by_libgit2) as ignored:
            yield ignored

    def staged(self) -> StagedTree:
        """Return the files as the next commit will have them.

        Within a hook that is the index that git names in the environment, which for
        ``git commit --all`` is not the repo's usual one.
        """
        prefix = "" if self._prefix == "." else self._prefix
        return StagedTree(self._repo, self._staged_blobs(), prefix)

    def _staged_blobs(self) -> dict[str, str]:
        """Return the index: each file's path and its blob (hex), without submodules."""
        name = "GIT_INDEX_FILE"
        index = {name: os.environ[name]} if name in os.environ else {}
        said = ask_git(self._top, "ls-files", "--stage", "-z", variables=index)
        # Files of `git add --intent-to-add` are in the index, and in no commit.
        options = ("--no-ext-diff", "--no-renames", "--name-only", "--diff-filter=A", "-z")
        intended = ask_git(self._top, "diff", *options, variables=index).split("\0")
        entries = (entry.split("\t", 1) for entry in said.split("\0") if entry)
        staged = {path: how.split(" ") for how, path in entries}
        for path in filter(None, intended):
            staged.pop(path, None)
        return {path: blob for path, (mode, blob, _) in staged.items() if mode != _SUBMODULE}

    @cached_property
    def _tracked(self) -> frozenset[str]:
        return frozenset(self._listed("--cached"))

    def _listed(self, *options: str) -> list[str]:
        return [path for path in ask_git(self._top, "ls-files", "-z", *options).split("\0") if path]

    def _in_git(self, path: str) -> str:
        return path if self._prefix == "." else f"{self._prefix}/{path}"


_SUBMODULE = "160000"  # its id is a commit's of another repo
_UNMERGED = frozenset({"DD", "AU", "UD", "UA", "DU", "AA", "UU"})


def _top_by_git(root: Path) -> Path | None:
    """Return the top of the work tree around ``root``, None where libgit2 is to say what is wrong.

    libgit2 is seldom needed, and to load it takes twenty times as long as git does to answer.
    Raises UntrustedError as ``check_owner`` does.
    """
    asked = ("--show-toplevel", "--absolute-git-dir", "--show-object-format")
    try:
        done = run_git(root, "rev-parse", *asked)
    except (PeDvcError, OSError):
        return None
    said = done.stdout.split("\n")
    if done.returncode or said[2:] != ["sha1", ""]:
        return None
    top, git_dir = map(Path, said[:2])
    check_owner(top, top / ".git", git_dir)
    return top


def changed_files(top: Path) -> list[str]:
    """Return every file of the work tree at ``top`` that differs from HEAD, untracked ones too.

    Raises PeDvcError, with git's words, if git does not answer.
    """
    return [path for _, path in _status(top)]


def _status(top: Path) -> list[tuple[str, str]]:
    """Return the same, each after its two letters of ``git status --porcelain``."""
    options = ("--porcelain", "-z", "--no-renames", "--untracked-files=all")
    said = ask_git(top, "status", *options)
    return [(entry[:2], entry[3:]) for entry in said.split("\0") if entry]
