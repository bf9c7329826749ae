"""What git knows of a push that is about to happen, or has: its refs, its remote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.adapters.git.command import ask_git, run_git
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.plain_files import read_document

if TYPE_CHECKING:
    from pathlib import Path

_UNDER_WAY = "pe_dvc/pushing"


class GitPushes:
    """Pushes from the git repo around ``root``. Commits are named in hex."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def head(self) -> str | None:
        """Return HEAD's commit, None before the first one."""
        done = run_git(self._root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        return done.stdout.strip() or None

    def default_branch(self, remote: str) -> str | None:
        """Return the branch that HEAD names at a remote; None if the remote does not tell."""
        known = run_git(self._root, "symbolic-ref", "--quiet", f"refs/remotes/{remote}/HEAD")
        if known.returncode == 0:
            return known.stdout.strip().removeprefix(f"refs/remotes/{remote}/")
        said = run_git(self._root, "ls-remote", "--symref", "--", remote, "HEAD").stdout
        first = said.partition("\n")[0].split("\t")[0]
        return first.removeprefix("ref: refs/heads/") if first.startswith("ref: ") else None

    def tracking_ref(self, remote: str, branch: str) -> str | None:
        """Return the ref that git moves when the remote accepts ``branch``; None without one."""
        ref = f"refs/remotes/{remote}/{branch}"
        fetched = run_git(self._root, "config", "--get-all", f"remote.{remote}.fetch").stdout
        whole = f"refs/heads/*:refs/remotes/{remote}/*"
        one = f"refs/heads/{branch}:{ref}"
        return (
            ref if any(line.lstrip("+") in (whole, one) for line in fetched.splitlines()) else None
        )

    def is_behind(self, earlier: str, later: str) -> bool:
        """Tell whether ``earlier`` is ``later`` or one of its ancestors; not if it is not here."""
        done = run_git(self._root, "merge-base", "--is-ancestor", earlier, later)
        return done.returncode == 0

    def holds(self, commit: str, path: str) -> bool:
        """Tell whether a commit has the file ``path`` of the data repo."""
        done = run_git(self._root, "cat-file", "-e", f"{commit}:./{path}")
        return done.returncode == 0

    def begin(self, process: int, commit: str, ref: str) -> None:
        """Note that ``ref`` is about to become ``commit``, by the git of that process id."""
        others = [line for line in self._under_way() if line.startswith(f"{process} ")]
        self._note([*others, self._line(process, commit, ref)])

    def accepted(self, process: int, moved: str) -> bool:
        """Tell whether what was noted has happened; ``moved`` are lines of old, new and ref."""
        noted = self._under_way()
        for _, commit, ref in (line.split() for line in moved.splitlines()):
            line = self._line(process, commit, ref)
            if line in noted:
                self._note([one for one in noted if one != line])
                return True
        return False

    def _line(self, process: int, commit: str, ref: str) -> str:
        """Return the note on a push. A git repo may hold several data repos, each with its own."""
        prefix = ask_git(self._root, "rev-parse", "--show-prefix").removesuffix("\n")
        return f"{process} {commit} {ref} {prefix}"

    def _under_way(self) -> list[str]:
        note = self._common / _UNDER_WAY
        return read_document(note).decode().split("\n")[:-1] if note.is_file() else []

    def _note(self, lines: list[str]) -> None:
        """Note pushes under way. The hooks look for this file, so without any it is not there."""
        tree, data = ConfinedTree(self._common), "".join(f"{line}\n" for line in lines)
        if lines:
            tree.write(_UNDER_WAY, data.encode(), durable=False)
        else:
            tree.unlink(_UNDER_WAY)

    @property
    def _common(self) -> Path:
        common = ask_git(self._root, "rev-parse", "--git-common-dir").removesuffix("\n")
        return (self._root / common).resolve()
