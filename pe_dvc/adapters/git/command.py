"""The ``git`` command, asked about the repo that a directory lies in, and about no other."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from pe_dvc.adapters.git.bare import check_not_bare
from pe_dvc.primitives.errors import PeDvcError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

LOCAL_VARIABLES = (
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_DIR", "GIT_GRAFT_FILE"),
    *("GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_INTERNAL_SUPER_PREFIX"),
    *("GIT_NO_REPLACE_OBJECTS", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_REPLACE_REF_BASE"),
    *("GIT_SHALLOW_FILE", "GIT_WORK_TREE"),
)
"""What ``git rev-parse --local-env-vars`` lists, without the configuration of ``git -c`` and of
the environment, which holds ``safe.directory`` where a container or CI sets that. The variables
name a repo, and would have git answer for that one: hooks and ``git rebase --exec`` set them."""


def run_git(
    directory: Path, *arguments: str, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``git`` in ``directory``, whatever it answers; ``variables`` are added.

    It speaks English and asks nothing. Bytes that are not UTF-8 come as surrogates (PEP 383).
    Raises PeDvcError if there is no ``git``, and UntrustedError as ``check_not_bare`` does, unless
    the repo is named (``--git-dir``).
    """
    if "--git-dir" not in arguments:
        check_not_bare(directory)
    try:
        return subprocess.run(
            ["git", *arguments],
            cwd=directory,
            env={**_environment(), **(variables or {})},
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except FileNotFoundError:
        raise _not_found() from None


def talk_to_git(directory: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start ``git`` in ``directory``, to write questions to and read answers from, unbuffered.

    Use it as a context. What it says of a failure is not kept. Raises as ``run_git`` does.
    """
    check_not_bare(directory)
    try:
        return subprocess.Popen(
            ["git", *arguments],
            cwd=directory,
            env=_environment(),
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise _not_found() from None


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in LOCAL_VARIABLES}
    return {**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}


def _not_found() -> PeDvcError:
    return PeDvcError("the command `git` is not found", remedy="Install git.")


def ask_git(directory: Path, *arguments: str, variables: Mapping[str, str] | None = None) -> str:
    """Return what ``git`` prints, run as by ``run_git``.

    Raises PeDvcError, with git's words, if it fails.
    """
    done = run_git(directory, *arguments, variables=variables)
    if done.returncode:
        raise git_failure(directory, arguments, done)
    return done.stdout


_USAGE = 129
"""What git ends with where it does not know an option."""


def git_failure(
    directory: Path, arguments: Sequence[str], done: subprocess.CompletedProcess[str]
) -> PeDvcError:
    """Return the error for a git command that failed, which advises to upgrade a git too old."""
    remedy = None
    if done.returncode == _USAGE:
        here = run_git(directory, "version").stdout.strip()
        remedy = f"{here} is here: pe_dvc needs 2.28 or newer."
    said = done.stderr.strip()
    return PeDvcError(f"git {' '.join(arguments)} failed in {directory}: {said}", remedy=remedy)


def committer(directory: Path) -> str:
    """Return whom git names as the maker of a commit, ``Name <email>``; ``unknown`` without one."""
    done = run_git(directory, "var", "GIT_COMMITTER_IDENT")
    named = done.stdout.rpartition(">")[0]
    return f"{named}>" if named and done.returncode == 0 else "unknown"
