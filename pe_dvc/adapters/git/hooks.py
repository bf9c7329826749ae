"""Git hooks beside those that are there: a directory of our own, whose hooks call the others.

DVC and most tools refuse to install where a hook of that name exists, or overwrite it. So nothing
is written among their hooks: git is pointed (``core.hooksPath``) to scripts of ours in the git
directory, each of which runs pe_dvc's part and the hook of its name in the place that git looked
before. Whatever is installed there later runs too.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.adapters.git.command import run_git
from pe_dvc.primitives.errors import ConflictError, FormatError, NotFoundError, PeDvcError
from pe_dvc.primitives.printable import printable
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.home import expand_home

if TYPE_CHECKING:
    from collections.abc import Mapping

HOOKS = "pe_dvc/hooks"
SETTING = "core.hooksPath"
REMEMBERED = "pe-dvc.hooksPath"
"""Where git's local configuration keeps the value that SETTING had before."""

PASSED_ON = (
    *("applypatch-msg", "pre-applypatch", "post-applypatch", "pre-commit", "pre-merge-commit"),
    *("prepare-commit-msg", "commit-msg", "post-commit", "pre-rebase", "post-checkout"),
    *("post-merge", "pre-push", "post-rewrite", "pre-auto-gc", "sendemail-validate"),
)
"""Hooks of which a script that does nothing changes nothing: one is written for each, so that a
hook installed later runs. Of the others (``reference-transaction``, …) only those in use."""

_NAME = re.compile(r"[a-z0-9-]+")
"""What a hook of git may be called."""

_HEAD = """\
#!/bin/sh
# Written by `pe-dvc install`, taken away by `pe-dvc install --uninstall`.
# Runs, besides what pe_dvc adds for the data repo, the hook of this name where git looked before.
earlier={earlier}
"""
_EXEC = '[ -x "$earlier" ] || exit 0\nexec "$earlier" "$@"\n'
_OURS = """\
ours={directory}
add() (
    cd {prefix} 2>/dev/null && grep -q '^\\[tool\\.pe_dvc' pyproject.toml 2>/dev/null || exit 0
    command -v pe-dvc >/dev/null || PATH={path}:$PATH
    {command}
)
"""
# What git writes to a hook is for both: it is read once, with the newline that $() would drop.
_INPUT = "given=$(cat; echo .)\ngiven=${given%.}\n"
_BEFORE = '{add} || exit 1\n[ -x "$earlier" ] || exit 0\n{earlier}\n'
_AFTER = """\
status=0
if [ -x "$earlier" ]; then {earlier}; status=$?; fi
{condition}{add}
exit $status
"""


@dataclass(frozen=True, kw_only=True)
class HookPart:
    """What pe_dvc adds to a hook: a ``command`` of the shell, run before or after the earlier hook.

    ``condition`` is a test of the shell that guards one after it. ``reads`` gives it what git
    writes to the hook's standard input. ``$ours`` is a directory for notes.
    """

    command: str
    before: bool = False
    condition: str | None = None
    reads: bool = False

    def script(self) -> str:
        """Return the lines that run it and the earlier hook."""
        feed = 'printf %s "$given" | ' if self.reads else ""
        add = f'{feed}add "$@"' if self.reads else 'add "$@" </dev/null'
        earlier = f'{feed}"$earlier" "$@"'
        condition = f"{self.condition} && " if self.condition else ""
        form = _BEFORE if self.before else _AFTER
        lines = form.format(add=add, earlier=earlier, condition=condition)
        return (_INPUT if self.reads else "") + lines


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """Our hooks and where those are that they call; ``earlier`` may be relative to a work tree."""

    directory: Path
    earlier: str


class HookInstaller:
    """Installs hooks into the git repo around ``root``, for all its work trees.

    ``parts`` maps hooks to what pe_dvc adds.
    """

    def __init__(self, root: Path, parts: Mapping[str, HookPart]) -> None:
        self._root, self._parts = root, parts
        self._common = Path(self._git("rev-parse", "--path-format=absolute", "--git-common-dir"))
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
        shutil.rmtree(self.directory, ignore_errors=True)
        for name, script in self._scripts(earlier).items():
            self._tree.write(f"{HOOKS}/{name}", script, mode=0o755, durable=True)
        self._git("config", "--local", SETTING, str(self.directory))
        actual = self._effective()
        if actual != self.directory:
            self.uninstall()
            raise ConflictError(
                f"git uses the hooks in {actual}, whatever this repo's own {SETTING} says",
                remedy=f"See git config --show-origin --get-all {SETTING}; unset the one of the "
                f"work tree or the environment, or call pe-dvc from the hooks in {actual}.",
            )
        return Hooks(directory=self.directory, earlier=earlier)

    def is_current(self) -> bool:
        """Tell whether ``install`` would change nothing."""
        if self._get("--local", SETTING) != str(self.directory):
            return False
        wanted = self._scripts(self._earlier())
        there = {name for name, _ in self._tree.entries(HOOKS)}
        return there == wanted.keys() and all(
            self._tree.read(f"{HOOKS}/{name}") == script for name, script in wanted.items()
        )

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
        """Let git find its hooks where it did before; return whether there was anything to do."""
        self._tree.check([HOOKS])
        ours = self._get("--local", SETTING) == str(self.directory)
        if ours:
            before = self._get("--local", REMEMBERED)
            if before is None:
                self._git("config", "--local", "--unset-all", SETTING)
            else:
                self._git("config", "--local", SETTING, before)
                self._git("config", "--local", "--unset-all", REMEMBERED)
        shutil.rmtree(self.directory.parent, ignore_errors=True)
        return ours

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
        below = self._root.resolve().relative_to(self._toplevel()).as_posix()
        prefix = shlex.quote(f"./{below}")  # no option of cd, and nothing in CDPATH
        head = _HEAD.format(earlier=shlex.quote(f"{expand_home(earlier)}/{name}"))
        part = self._parts.get(name)
        if part is None:
            return head + _EXEC
        ours = _OURS.format(
            directory=shlex.quote(str(self.directory.parent)),
            prefix=prefix,
            path=shlex.quote(str(_program().parent)),
            command=part.command,
        )
        return head + ours + part.script()

    def _toplevel(self) -> Path:
        return Path(self._git("rev-parse", "--path-format=absolute", "--show-toplevel"))

    def _effective(self) -> Path:
        return Path(self._git("rev-parse", "--path-format=absolute", "--git-path", "hooks"))

    def _get(self, scope: str, setting: str, *options: str) -> str | None:
        done = run_git(self._root, "config", scope, *options, "--get", setting)
        return done.stdout.removesuffix("\n") if done.returncode == 0 else None

    def _git(self, *arguments: str) -> str:
        done = run_git(self._root, *arguments)
        if done.returncode:
            said = done.stderr.strip()
            if "not a git repository" in said:
                raise NotFoundError(f"{self._root} is not in a git repo", remedy="Run git init.")
            raise PeDvcError(f"git {' '.join(arguments)} failed in {self._root}: {said}")
        return done.stdout.removesuffix("\n")


def _program() -> Path:
    """Return this pe-dvc, for a shell whose PATH has none: that of an editor, say."""
    beside = Path(sys.executable).parent / "pe-dvc"
    return beside if beside.exists() else Path(shutil.which("pe-dvc") or beside)
