"""What git ignores: one process of git for as many paths as are asked about."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pe_dvc.adapters.git.command import talk_to_git

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from subprocess import Popen

_COMMAND = ("check-ignore", "--no-index", "--stdin", "-z", "--verbose", "--non-matching")
_FIELDS = 4
"""Of an answer: where the pattern stands, its line, the pattern, the path."""


@contextmanager
def ignore_rules(top: Path, otherwise: Callable[[str], bool]) -> Iterator[Callable[[str], bool]]:
    """Give what tells of a path in the work tree at ``top`` whether git's rules ignore it.

    Whether git tracks the path does not matter, nor whether it exists; one that ends in a slash
    is a directory. ``otherwise`` is asked where git does not answer: of a path in a submodule, or
    beyond a link. Raises PeDvcError if there is no ``git``.
    """
    with talk_to_git(top, *_COMMAND) as process:
        yield lambda path: otherwise(path) if (said := _ask(process, path)) is None else said


def _ask(process: Popen[bytes], path: str) -> bool | None:
    """Ask of one path; None once git has ended."""
    assert process.stdin is not None
    assert process.stdout is not None
    answer = b""
    try:
        process.stdin.write(os.fsencode(path) + b"\0")
    except BrokenPipeError:
        return None
    while answer.count(b"\0") < _FIELDS:
        more = process.stdout.read(64 * 1024)
        if not more:
            return None
        answer += more
    pattern = answer.split(b"\0")[2]
    return bool(pattern) and not pattern.startswith(b"!")
