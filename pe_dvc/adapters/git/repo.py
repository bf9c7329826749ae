"""The git repo around a data repo: its commit, what differs from it, its tags and their trees.

The only module that knows pygit2.
"""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.git.tag_signatures import TagSignature, verify_tag
from pe_dvc.adapters.git.trees import GitTree, StagedTree
from pe_dvc.documents.dvc_files import LOCK
from pe_dvc.primitives.errors import NotFoundError, ReleaseError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator


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
            and posixpath.basename(path) not in (".gitignore", LOCK)
            and not any(path == own or path.startswith(f"{own}/") for own in ignored)
        ]
        commit = None if self._repo.head_is_unborn else str(self._repo.head.target)
        return GitState(commit=commit, dirty=bool(changed))

    def changed(self, wanted: Callable[[str], bool]) -> list[str]:
        """Return the ``wanted`` files of the data repo that differ from HEAD, or are not in it."""
        import pygit2

        same = (pygit2.enums.FileStatus.CURRENT, pygit2.enums.FileStatus.IGNORED)
        prefix = self._in_git("")
        return sorted(
            path.removeprefix(prefix)
            for path, flags in self._repo.status(untracked_files="all").items()
            if flags not in same and path.startswith(prefix) and wanted(path.removeprefix(prefix))
        )

    def files(self) -> list[Path]:
        """Return every file of the whole work tree that git tracks or would add."""
        import pygit2

        flags = self._repo.status(untracked_files="all").items()
        untracked = [path for path, flag in flags if flag & pygit2.enums.FileStatus.WT_NEW]
        top = Path(self._repo.workdir)
        return [top / path for path in (*(entry.path for entry in self._repo.index), *untracked)]

    def tracks(self, path: str) -> bool:
        """Tell whether git's index holds the file ``path``."""
        return self._in_git(path) in self._repo.index

    def ignores(self, path: str) -> bool:
        """Tell whether git ignores ``path``; one that ends in a slash is a directory."""
        return bool(self._repo.path_is_ignored(self._in_git(path)))

    def staged(self) -> StagedTree:
        """Return the files as the next commit will have them.

        Within a hook that is the index that git names in the environment, which for
        ``git commit --all`` is not the repo's usual one.
        """
        import pygit2

        index = self._repo.index
        if named := os.environ.get("GIT_INDEX_FILE"):
            index = pygit2.Index(str(Path(self._repo.workdir) / named))
        return StagedTree(self._repo, index, "" if self._prefix == "." else self._prefix)

    def _in_git(self, path: str) -> str:
        return path if self._prefix == "." else f"{self._prefix}/{path}"


@dataclass(frozen=True, kw_only=True)
class GitTag:
    """A tag, followed to its commit (hex). ``moment``, in UTC, is when the tag was made.

    A light tag has no time of its own: it has its commit's.
    """

    name: str
    commit: str
    moment: datetime
    annotated: bool


@dataclass(frozen=True, kw_only=True)
class GitChange:
    """A commit (hex) that brought a file as it is in its ``tree``; ``moment`` is in UTC."""

    commit: str
    moment: datetime
    author: str
    tree: GitTree


class GitTags:
    """The tags of a git repo, bare or not, and the trees that they name.

    Nothing is checked out: a work tree is neither needed nor looked at.
    """

    def __init__(self, place: Path, *, root: Path | None = None) -> None:
        """Open the git repo at or around ``place``. Raises NotFoundError where there is none.

        ``root`` is the data repo's directory, where that is not the top of the git repo.
        """
        import pygit2

        found = pygit2.discover_repository(str(place))
        if found is None:
            raise NotFoundError(f"{place} is not in a git repo", remedy="Clone the data repo.")
        self._repo = pygit2.Repository(found)
        self.directory = Path(found)
        workdir = self._repo.workdir
        self.prefix = "" if workdir is None or root is None else _below(workdir, root)

    def tags(self) -> list[GitTag]:
        """Return every tag of a commit, by time. Raises NotFoundError for one that is broken."""
        names = [n for n in self._repo.references if n.startswith("refs/tags/")]
        found = [self._tag(name.removeprefix("refs/tags/")) for name in names]
        known = [tag for tag in found if tag is not None]
        return sorted(known, key=lambda tag: (tag.moment, tag.name))

    def tag(self, name: str) -> GitTag:
        """Return one tag. Raises NotFoundError, and ReleaseError for one of no commit."""
        if f"refs/tags/{name}" not in self._repo.references:
            raise NotFoundError(
                f"there is no git tag {name!r} in {self.directory}",
                remedy="Check its spelling, or get it: git fetch --tags",
            )
        tag = self._tag(name)
        if tag is None:
            raise ReleaseError(f"the tag {name!r} does not name a commit", remedy="Tag a commit.")
        return tag

    def tree(self, commit: str, *, name: str | None = None) -> GitTree:
        """Return the tree of a commit, from the directory of the data repo on.

        ``name`` is what messages call it.
        """
        return GitTree(self._object(commit).tree, self.prefix, commit, name)

    def head(self) -> GitTree:
        """Return the tree of HEAD. Raises NotFoundError in a repo without commits."""
        if self._repo.head_is_unborn:
            raise NotFoundError(f"{self.directory} has no commits yet")
        return self.tree(str(self._repo.head.peel().id), name="HEAD")

    def history(self, path: str) -> Iterator[GitChange]:
        """Yield the commits behind HEAD that brought another file ``path``, newest first.

        Ends where a shallow clone does.
        """
        import pygit2

        if self._repo.head_is_unborn:
            return
        order = pygit2.enums.SortMode.TOPOLOGICAL | pygit2.enums.SortMode.TIME
        for commit in self._repo.walk(self._repo.head.peel().id, order):
            blob = self._blob_id(commit, path)
            before = [self._blob_id(self._repo.get(p), path) for p in commit.parent_ids]
            if blob is not None and blob not in before:
                yield GitChange(
                    commit=str(commit.id),
                    moment=datetime.fromtimestamp(commit.commit_time, UTC),
                    author=commit.author.name,
                    tree=self.tree(str(commit.id)),
                )

    def is_ancestor(self, earlier: str, later: str) -> bool:
        """Tell whether one commit (hex) is behind another, and not the same."""
        return bool(self._repo.descendant_of(later, earlier))

    def _blob_id(self, commit: Any, path: str) -> Any:
        try:
            return commit and commit.tree[posixpath.join(self.prefix, path)].id
        except KeyError:
            return None

    def signature(self, name: str) -> TagSignature:
        """Return what git finds of a tag's signature, GPG's or SSH's, with the keys known here."""
        return verify_tag(self.directory, name)

    def _tag(self, name: str) -> GitTag | None:
        import pygit2

        target = self._object(str(self._repo.references[f"refs/tags/{name}"].target))
        try:
            commit = target.peel(pygit2.Commit)
        except (pygit2.InvalidSpecError, KeyError):
            return None
        tagger = getattr(target, "tagger", None)
        seconds = tagger.time if tagger is not None else commit.commit_time
        return GitTag(
            name=name,
            commit=str(commit.id),
            moment=datetime.fromtimestamp(seconds, UTC),
            annotated=isinstance(target, pygit2.Tag),
        )

    def _object(self, name: str) -> Any:
        try:
            return self._repo[name]
        except KeyError:
            raise NotFoundError(
                f"{self.directory} lacks the object {name}, which its refs name",
                remedy="Fetch the whole history: git fetch --unshallow, or clone again.",
            ) from None


def _below(workdir: str, place: Path) -> str:
    below = posixpath.relpath(place.resolve().as_posix(), workdir.rstrip("/"))
    return "" if below == "." or below.startswith("..") else below
