"""Git hooks beside those that are there: a directory of our own, whose hooks call the others.

DVC and most tools refuse to install where a hook of that name exists, or overwrite it. So nothing
is written among their hooks: git is pointed (``core.hooksPath``) to scripts of ours in the git
directory, each of which runs pe_dvc's part and the hook of its name in the place that git looked
before. Whatever is installed there later runs too.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.adapters.git.command import git_failure, run_git
from pe_dvc.adapters.git.hook_scripts import HookPart, hook_script
from pe_dvc.primitives.errors import ConflictError, FormatError, NotFoundError
from pe_dvc.primitives.printable import printable
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.home import expand_home

if TYPE_CHECKING:
    from collections.abc import Mapping

HOOKS = "pe_dvc/hooks"
SETTING = "core.hooksPath"
REMEMBERED = "pe-dvc.hooksPath"
"""Where git's local configuration keeps the value that SETTING had before."""
DATA_REPOS = "pe-dvc.dataRepo"
"""Where it keeps the data repos that the hooks are for: a value each, from the top of the tree."""

PASSED_ON = (
    *("applypatch-msg", "pre-applypatch", "post-applypatch", "pre-commit", "pre-merge-commit"),
    *("prepare-commit-msg", "commit-msg", "post-commit", "pre-rebase", "post-checkout"),
    *("post-merge", "pre-push", "post-rewrite", "pre-auto-gc", "sendemail-validate"),
)
"""Hooks of which a script that does nothing changes nothing: one is written for each, so that a
hook installed later runs. Of the others (``reference-transaction``, …) only those in use."""

_NAME = re.compile(r"[a-z0-9-]+")
"""What a hook of git may be called."""


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """Our hooks and where those are that they call; ``earlier`` may be relative to a work tree."""

    directory: Path
    earlier: str


class HookInstaller:
    """Installs hooks into the git repo around ``root``, for all its work trees.

    ``parts`` maps hooks to what pe_dvc adds, for ``root`` and the data repos beside it in the same
    git repo that asked for hooks.
    """

    def __init__(self, root: Path, parts: Mapping[str, HookPart]) -> None:
        self._root, self._parts = root, parts
        self._common = self._place("--git-common-dir")
        self._tree = ConfinedTree(self._common)
        self.directory = self._common / HOOKS

    def install(self) -> Hooks:
        """Write our hooks and point git to them; again, to write them again.

        Raises ConflictError where a setting that git prefers to the repo's own names another
        place, and FormatError for paths that no hook can hold.
        """
        self._tree.check([HOOKS])
        self._check_places()
        earlier = self._earlier()
        if self._below() not in self._data_repos():
            self._git("config", "--local", "--add", DATA_REPOS, self._below())
        self._write(earlier)
        self._git("config", "--local", SETTING, str(self.directory))
        actual = self._effective()
        if actual != self.directory:
            self._forget()
            self._restore()
            raise ConflictError(
                f"git uses the hooks in {actual}, whatever this repo's own {SETTING} says",
                remedy=f"See git config --show-origin --get-all {SETTING}; unset the one of the "
                f"work tree or the environment, or call pe-dvc from the hooks in {actual}.",
            )
        return Hooks(directory=self.directory, earlier=earlier)

    def is_current(self) -> bool:
        """Tell whether ``install`` would change nothing."""
        if not self._is_set() or self._below() not in self._data_repos():
            return False
        wanted = self._scripts(self._earlier())
        there = {name for name, _ in self._tree.entries(HOOKS)}
        return there == wanted.keys() and all(
            self._tree.read(f"{HOOKS}/{name}") == script for name, script in wanted.items()
        )

    def _write(self, earlier: str) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)
        for name, script in self._scripts(earlier).items():
            self._tree.write(f"{HOOKS}/{name}", script, mode=0o755, durable=True)

    def _scripts(self, earlier: str) -> dict[str, bytes]:
        names = {*PASSED_ON, *self._parts, *self._in_use(earlier)}
        return {name: self._script(name, earlier).encode() for name in names}

    def _check_places(self) -> None:
        """Raise FormatError for a path with a line break or the like, which no hook can hold."""
        for path in (self._root.resolve(), self._common, _program()):
            if printable(str(path)) != str(path):
                raise FormatError(
                    "no hook is installed where a path has control characters, such as line breaks",
                    where=repr(str(path)),
                    remedy="Clone into a directory with another name.",
                )

    def uninstall(self) -> bool:
        """Take the hooks of this data repo away; return whether there was anything to do.

        Without any other data repo git finds its hooks where it did before.
        """
        self._tree.check([HOOKS])
        ours, known = self._is_set(), self._data_repos()
        if ours and known and self._below() not in known:
            return False
        self._forget()
        if ours and self._data_repos():
            self._write(self._earlier())
        else:
            self._restore()
        return ours

    def _restore(self) -> None:
        """Let git find its hooks where it did before, and remove ours."""
        if self._is_set():
            before = self._get("--local", REMEMBERED)
            if before is None:
                self._git("config", "--local", "--unset-all", SETTING)
            else:
                self._git("config", "--local", SETTING, before)
                self._git("config", "--local", "--unset-all", REMEMBERED)
        shutil.rmtree(self.directory.parent, ignore_errors=True)

    def _is_set(self) -> bool:
        return self._get("--local", SETTING) == str(self.directory)

    def _below(self) -> str:
        """Return where the data repo is in the git repo, ``.`` at its top."""
        return self._root.resolve().relative_to(self._toplevel()).as_posix()

    def _data_repos(self) -> list[str]:
        """Return the data repos that hooks were installed for."""
        done = run_git(self._root, "config", "--local", "--null", "--get-all", DATA_REPOS)
        return [one for one in done.stdout.split("\0") if one]

    def _forget(self) -> None:
        """Take this data repo from those that the hooks are for."""
        others = [one for one in self._data_repos() if one != self._below()]
        run_git(self._root, "config", "--local", "--unset-all", DATA_REPOS)
        for one in others:
            self._git("config", "--local", "--add", DATA_REPOS, one)

    def _earlier(self) -> str:
        """Return where git finds hooks without us, and remember a setting that we replace."""
        local = self._get("--local", SETTING)
        if local == str(self.directory):
            local = self._get("--local", REMEMBERED)
        elif local is not None:
            self._git("config", "--local", REMEMBERED, local)
        if local is not None:
            return local
        for scope in ("--global", "--system"):
            if found := self._get(scope, SETTING, "--type=path"):
                return found
        return str(self._common / "hooks")

    def _in_use(self, earlier: str) -> set[str]:
        place = self._toplevel() / expand_home(earlier)
        if not place.is_dir():
            return set()
        return {
            p.name for p in place.iterdir() if _NAME.fullmatch(p.name) and os.access(p, os.X_OK)
        }

    def _script(self, name: str, earlier: str) -> str:
        return hook_script(
            self._parts.get(name),
            earlier=f"{expand_home(earlier)}/{name}",
            notes=self.directory.parent,
            data_repos=sorted({*self._data_repos(), self._below()}),
            program=_program(),
        )

    def _toplevel(self) -> Path:
        return Path(self._git("rev-parse", "--show-toplevel"))

    def _effective(self) -> Path:
        return self._place("--git-path", "hooks")

    def _place(self, *asked: str) -> Path:
        # Git 2.28 to 2.30 has no --path-format.
        return (self._root / self._git("rev-parse", *asked)).resolve()

    def _get(self, scope: str, setting: str, *options: str) -> str | None:
        done = run_git(self._root, "config", scope, *options, "--get", setting)
        return done.stdout.removesuffix("\n") if done.returncode == 0 else None

    def _git(self, *arguments: str) -> str:
        done = run_git(self._root, *arguments)
        if done.returncode:
            if "not a git repository" in done.stderr:
                raise NotFoundError(f"{self._root} is not in a git repo", remedy="Run git init.")
            raise git_failure(self._root, arguments, done)
        return done.stdout.removesuffix("\n")


def _program() -> Path:
    """Return this pe-dvc, for a shell whose PATH has none: that of an editor, say."""
    beside = Path(sys.executable).parent / "pe-dvc"
    return beside if beside.exists() else Path(shutil.which("pe-dvc") or beside)
