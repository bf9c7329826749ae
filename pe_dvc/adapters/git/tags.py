"""The tags of a git repo, the history of a file, and the trees that they name."""

from __future__ import annotations

import posixpath
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pe_dvc.adapters.git.command import ask_git, run_git
from pe_dvc.adapters.git.opening import open_repository
from pe_dvc.adapters.git.tag_signatures import TagSignature, verify_tag
from pe_dvc.adapters.git.trees import GitTree, entry_at
from pe_dvc.primitives.errors import NotFoundError, ReleaseError
from pe_dvc.primitives.line_endings import as_committed
from pe_dvc.store.plain_files import DOCUMENT_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, kw_only=True)
class GitTag:
    """A tag, followed to its commit (hex). ``moment``, in UTC, is when the tag was made.

    A light tag has no time of its own: it has its commit's.
    """

    name: str
    commit: str
    moment: datetime


class GitChange(NamedTuple):
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
        self._repo = open_repository(place, remedy="Clone the data repo.", bare=True)
        self.directory = Path(self._repo.path)
        workdir = self._repo.workdir
        self.prefix = "" if workdir is None or root is None else _below(workdir, root)

    def tags(self) -> list[GitTag]:
        """Return every tag of a commit, by time. Raises NotFoundError for one that is broken."""
        found = [self._tag(name, target) for name, target in self._named().items()]
        known = [tag for tag in found if tag is not None]
        return sorted(known, key=lambda tag: (tag.moment, tag.name))

    def tag(self, name: str) -> GitTag:
        """Return one tag. Raises NotFoundError, and ReleaseError for one of no commit."""
        target = self._named(name).get(name)
        if target is None:
            raise NotFoundError(
                f"there is no git tag {name!r} in {self.directory}",
                remedy=f"Check its spelling, make it (git tag {name}), or get it: git fetch --tags",
            )
        tag = self._tag(name, target)
        if tag is None:
            raise ReleaseError(f"the tag {name!r} does not name a commit", remedy="Tag a commit.")
        return tag

    def commit(self, revision: str) -> str | None:
        """Return the commit (hex) that a revision names, as ``HEAD~1``; None for none."""
        asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        done = run_git(self.directory, "--git-dir", str(self.directory), *asked)
        return done.stdout.strip() if done.returncode == 0 else None

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

    def remote_heads(self) -> list[GitTree]:
        """Return the trees of the branches that remotes name as theirs (``refs/remotes/*/HEAD``).

        As they were fetched last. What this clone lacks of them is passed over.
        """
        import pygit2

        found = []
        for name in self._repo.remotes.names():
            with suppress(KeyError, ValueError, pygit2.GitError):
                commit = self._repo.references[f"refs/remotes/{name}/HEAD"].peel(pygit2.Commit)
                found.append(self.tree(str(commit.id), name=f"{name}/HEAD"))
        return found

    def history(self, path: str) -> Iterator[GitChange]:
        """Yield the commits behind HEAD that brought another file ``path``, newest first.

        Ends where a shallow clone does.
        """
        if self._repo.head_is_unborn:
            return
        for commit in self._repo.walk(self._repo.head.peel().id, _newest_first()):
            blob = self._blob_id(commit, path)
            before = [self._blob_id(self._repo.get(p), path) for p in commit.parent_ids]
            if blob is not None and blob not in before:
                yield GitChange(
                    commit=str(commit.id),
                    moment=_moment(commit.commit_time),
                    author=commit.author.raw_name.decode(errors="replace"),
                    tree=self.tree(str(commit.id)),
                )

    @property
    def is_shallow(self) -> bool:
        """Whether the clone has a part of the history only."""
        return bool(self._repo.is_shallow)

    def files_behind_head(self, folder: str) -> Iterator[bytes]:
        """Yield each file below a folder that a commit behind HEAD has, newest first, once."""
        seen: set[Any] = set()
        if self._repo.head_is_unborn:
            return
        for commit in self._repo.walk(self._repo.head.peel().id, _newest_first()):
            found = entry_at(commit.tree, posixpath.join(self.prefix, folder))
            waiting = [] if found is None else [found]
            while waiting:
                entry = waiting.pop()
                if entry.id in seen:
                    continue
                seen.add(entry.id)
                if entry.type_str == "tree":
                    waiting += entry
                elif entry.type_str == "blob" and entry.size <= DOCUMENT_LIMIT:
                    yield as_committed(entry.data)

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

    def _named(self, name: str = "") -> dict[str, str]:
        """Return the tags and the objects that they name (hex). ``name`` limits them to one."""
        form = "--format=%(objectname) %(refname:lstrip=2)"
        at = ("--git-dir", str(self.directory))
        said = ask_git(self.directory, *at, "for-each-ref", form, f"refs/tags/{name}")
        pairs = (line.split(" ", 1) for line in said.splitlines())
        return {found: target for target, found in pairs}

    def _tag(self, name: str, target_id: str) -> GitTag | None:
        import pygit2

        target = self._object(target_id)
        try:
            commit = target.peel(pygit2.Commit)
        except (pygit2.InvalidSpecError, KeyError):
            return None
        tagger = getattr(target, "tagger", None)
        seconds = tagger.time if tagger is not None else commit.commit_time
        return GitTag(
            name=name,
            commit=str(commit.id),
            moment=_moment(seconds),
        )

    def _object(self, name: str) -> Any:
        try:
            return self._repo[name]
        except KeyError:
            raise NotFoundError(
                f"{self.directory} lacks the object {name}, which its refs name",
                remedy="Fetch the whole history: git fetch --unshallow, or clone again.",
            ) from None


def _newest_first() -> Any:
    import pygit2

    return pygit2.enums.SortMode.TOPOLOGICAL | pygit2.enums.SortMode.TIME


def _below(workdir: str, place: Path) -> str:
    below = posixpath.relpath(place.resolve().as_posix(), workdir.rstrip("/"))
    return "" if below == "." or below.startswith("..") else below


def _moment(seconds: int) -> datetime:
    """Return a time of git's in UTC; one that no calendar has is the first or the last of all."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return (datetime.min if seconds < 0 else datetime.max).replace(tzinfo=UTC)
