"""All that a clone knows: every ref, its own and its remotes', every commit, every file of a kind.

For deciding what can no longer be asked for. So anything that cannot be read is an error, never a
ref or a commit that is passed over.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.git.command import ask_git, run_git
from pe_dvc.adapters.git.opening import open_repository
from pe_dvc.adapters.git.repo import changed_files
from pe_dvc.primitives.errors import PeDvcError, ReleaseError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_FETCH = "Run git fetch --all --tags (and --unshallow if the clone is shallow), then try again."
_REQUESTS = ("refs/pull/*/head", "refs/merge-requests/*/head")
"""The branches of pull and merge requests, which GitHub and GitLab keep when these are closed."""
_REMOTE_REFS = ("refs/heads/*", "refs/tags/*", *_REQUESTS)


class GitHistory:
    """The git repo around ``root``, read whole."""

    def __init__(self, root: Path) -> None:
        """Open the repo. Raises NotFoundError where there is none."""
        self._repo = open_repository(root, remedy="Clone the data repo.")
        self._root = root

    def check_complete(self, wanted: Callable[[str], bool]) -> None:
        """Raise ReleaseError unless all history is here and all ``wanted`` files are committed.

        Also those in the other work trees of this clone.
        """
        if self._repo.is_shallow:
            raise ReleaseError(f"{self._root} is a shallow clone", remedy=_FETCH)
        names = [item.name.lower() for item in self._repo.config]
        if any(name.endswith((".promisor", ".partialclonefilter")) for name in names):
            raise ReleaseError(
                f"{self._root} is a partial clone: it lacks files of its history",
                remedy="Make a clone without --filter, and run this there.",
            )
        for top in self._work_trees():
            dirty = sorted(filter(wanted, changed_files(top)))
            if dirty:
                raise ReleaseError(
                    f"{os.path.relpath(top / dirty[0], self._root.resolve())} is not committed: "
                    "what it names would not be kept",
                    remedy="Commit or discard it, then try again.",
                )

    def roots(self) -> dict[str, str]:
        """Return every ref that there is, here and at each remote, with the object it names (hex).

        A ref of a remote is named ``origin:refs/heads/main``. Raises StoreUnavailableError for a
        remote that does not answer.
        """
        found = self.own_roots()
        for remote in ask_git(self._root, "remote").splitlines():
            found |= {f"{remote}:{ref}": oid for oid, ref in self._ask(remote)}
        return found

    def own_roots(self) -> dict[str, str]:
        """Return every ref of this clone and the commit of every work tree, as ``roots`` does."""
        found = {ref: oid for oid, ref in self._own_refs()}
        for number, line in enumerate(self._worktree_list()):
            if line.startswith("HEAD ") and set(line[5:]) != {"0"}:
                found[f"HEAD of work tree {number}"] = line[5:]
        return found

    def reflogs(self) -> dict[str, str]:
        """Return the commits that refs and HEAD were at, as far as git remembers and has them."""
        said = ask_git(self._root, "reflog", "show", "--all", "--format=%H %gD")
        lines = (line.partition(" ") for line in said.splitlines())
        return {entry: oid for oid, _, entry in lines if oid in self._repo}

    def _work_trees(self) -> list[Path]:
        """Return the directories of all work trees of this clone that are there."""
        lines = (line for line in self._worktree_list() if line.startswith("worktree "))
        found = (Path(line.removeprefix("worktree ")) for line in lines)
        return [top for top in found if (top / ".git").exists()]

    def _worktree_list(self) -> list[str]:
        return ask_git(self._root, "worktree", "list", "--porcelain").splitlines()

    def blobs(
        self, roots: Iterable[tuple[str, str]], wanted: Callable[[str], bool], *, tips: bool = False
    ) -> Iterator[tuple[str, bytes]]:
        """Yield each ``wanted`` file, by its name, of every commit that the roots reach, once.

        With ``tips``, only of the commits that the roots name. Raises ReleaseError, naming the
        ref, for an object that this clone does not have.
        """
        import pygit2

        seen: set[Any] = set()
        for ref, oid in roots:
            try:
                for tree in self._trees(oid, seen, tips):
                    yield from self._files(tree, wanted, seen)
            except PeDvcError:
                raise
            except (KeyError, ValueError, pygit2.GitError) as error:
                raise ReleaseError(
                    f"{ref} cannot be read: this clone lacks an object of it ({error})",
                    remedy=_fetching(ref),
                ) from None

    def _trees(self, oid: str, seen: set[Any], tips: bool) -> Iterator[Any]:
        found: Any = self._repo[oid]
        while found.type_str == "tag":
            found = self._repo[found.target]
        if found.type_str == "tree":
            yield found
        waiting = [found] if found.type_str == "commit" else []
        while waiting:
            commit = waiting.pop()
            if (commit.id, tips) in seen:
                continue
            seen.add((commit.id, tips))
            yield commit.tree
            if not tips:
                waiting += [self._repo[parent] for parent in commit.parent_ids]

    def _files(
        self, tree: Any, wanted: Callable[[str], bool], seen: set[Any]
    ) -> Iterator[tuple[str, bytes]]:
        waiting = [tree]
        while waiting:
            current = waiting.pop()
            if current.id in seen:
                continue
            seen.add(current.id)
            for entry in current:
                if entry.type_str == "tree":
                    waiting.append(entry)
                elif entry.id not in seen and entry.type_str == "blob" and wanted(entry.name):
                    seen.add(entry.id)
                    yield entry.name, entry.data

    def _own_refs(self) -> list[tuple[str, str]]:
        done = run_git(self._root, "for-each-ref", "--format=%(objectname)%09%(refname)")
        # A symbolic ref to nothing (origin/HEAD once its branch was renamed) names no commit.
        said = [line for line in done.stderr.splitlines() if "dangling symref" not in line]
        if done.returncode or said:
            raise ReleaseError(
                f"not every ref of {self._root} can be read: {' '.join(said)}",
                remedy="Repair it (git fsck), or make a new clone.",
            )
        return _pairs(done.stdout)

    def _ask(self, remote: str) -> list[tuple[str, str]]:
        done = run_git(self._root, "ls-remote", "--refs", remote, *_REMOTE_REFS)
        if done.returncode:
            raise StoreUnavailableError(
                f"the git remote {remote!r} does not answer: {done.stderr.strip()}",
                operation="ls-remote",
                key=remote,
                remedy="A branch there may name data that this clone does not know of. Fix the "
                "remote (git remote -v), or remove it if it is gone for good.",
            )
        return _pairs(done.stdout)


def _pairs(said: str) -> list[tuple[str, str]]:
    lines = (line.split("\t") for line in said.splitlines())
    return [(oid, ref) for oid, ref in lines]


def _fetching(ref: str) -> str:
    """Return the remedy for a ref whose objects are not here; pull requests are fetched by name."""
    remote, _, name = ref.partition(":")
    for request in _REQUESTS:
        kind = request.removesuffix("*/head")
        if name.startswith(kind):
            here = f"refs/remotes/{remote}/{kind.removeprefix('refs/')}*"
            fetch = f"git fetch {remote} '{request}:{here}'"
            return f"Fetch the pull requests, too, then try again: {fetch}"
    return _FETCH
