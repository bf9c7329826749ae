"""A work tree of git for a moment: a commit's files in a directory of their own."""

from __future__ import annotations

import posixpath
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pe_dvc.adapters.git.command import ask_git, run_git
from pe_dvc.store.scratch import scratch_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def work_tree(top: Path, commit: str, below: str) -> Iterator[Path]:
    """Check out a commit (hex) of the repo at ``top``, and give the directory ``below`` it.

    No hook runs. It is gone at the end, with all that was made in it. Raises PeDvcError, with git's
    words, where git refuses.
    """
    with scratch_directory() as scratch:
        place = scratch / "tree"
        quiet = ("-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false")
        ask_git(top, *quiet, "worktree", "add", "--quiet", "--detach", str(place), commit)
        try:
            yield place / posixpath.normpath(below)
        finally:
            run_git(top, "worktree", "remove", "--force", "--force", str(place))
