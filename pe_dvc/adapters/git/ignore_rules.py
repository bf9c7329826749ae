"""What git ignores: one process of git for as many paths as are asked about."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pe_dvc.adapters.git.command import talk_to_git

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path
    from subprocess import Popen

_COMMAND = ("check-ignore", "--no-index", "--stdin", "-z", "--verbose", "--non-matching")
_FIELDS = 4
"""Of an answer: where the pattern stands, its line, the pattern, the path."""
_AT_ONCE = 4096
"""Bytes of the paths that are asked about before answers are read: every pipe holds so many. With
more, git might wait for its answers to be read, and pe_dvc for git to read."""


class IgnoreRules:
    """Tells what git's rules ignore. A path that ends in a slash is a directory.

    Whether git tracks the path does not matter, nor whether it exists.
    """

    def __init__(
        self,
        process: Popen[bytes],
        in_git: Callable[[str], str],
        otherwise: Callable[[str], bool],
    ) -> None:
        self._process, self._in_git, self._otherwise = process, in_git, otherwise

    def __call__(self, path: str) -> bool:
        """Tell whether a path is ignored."""
        return bool(self.among([path]))

    def among(self, paths: Iterable[str]) -> set[str]:
        """Return those of the paths that are ignored: many are asked about at once."""
        asked = [(path, self._in_git(path)) for path in paths]
        found = set[str]()
        for part in _parts(asked):
            said = self._ask([place for _, place in part])
            for number, (path, place) in enumerate(part):
                if said[number] if number < len(said) else self._otherwise(place):
                    found.add(path)
        return found

    def _ask(self, places: Sequence[str]) -> list[bool]:
        """Return git's answers in order; fewer where it has ended before, or ends at one."""
        questions, answers = self._process.stdin, self._process.stdout
        assert questions is not None
        assert answers is not None
        try:
            questions.write(b"".join(os.fsencode(place) + b"\0" for place in places))
        except BrokenPipeError:
            return []
        said, wanted = b"", _FIELDS * len(places)
        while said.count(b"\0") < wanted and (more := answers.read(64 * 1024)):
            said += more
        patterns = said.split(b"\0")[:-1][2:wanted:_FIELDS]
        return [
            bool(pattern) and not pattern.startswith(b"!")
            for pattern in patterns[: said.count(b"\0") // _FIELDS]
        ]


def _parts(asked: Iterable[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """Yield the paths in parts of so many bytes; a longer path is a part of its own."""
    part, length = list[tuple[str, str]](), 0
    for path, place in asked:
        more = len(os.fsencode(place)) + 1
        if part and length + more > _AT_ONCE:
            yield part
            part, length = [], 0
        part.append((path, place))
        length += more
    if part:
        yield part


@contextmanager
def ignore_rules(
    top: Path, in_git: Callable[[str], str], otherwise: Callable[[str], bool]
) -> Iterator[IgnoreRules]:
    """Give what tells which paths git's rules ignore, in the work tree at ``top``.

    ``in_git`` returns where a path is in it. ``otherwise`` is asked where git does not answer: of
    a path in a submodule, or beyond a link. Raises PeDvcError if there is no ``git``.
    """
    with talk_to_git(top, *_COMMAND) as process:
        yield IgnoreRules(process, in_git, otherwise)
