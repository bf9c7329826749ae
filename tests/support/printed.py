"""Pages that show commands with what they print, held against what they print."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.commands import Done


def section(page: str, title: str) -> str:
    """Return the text under the heading that begins with ``title``, without other headings."""
    parts = re.split(r"^#{2,3} ", page, flags=re.MULTILINE)
    return next(part for part in parts if part.startswith(title))


def follow(text: str, run: Callable[[list[str]], Done]) -> None:
    """Run the commands of a text in order; each must print what stands below it."""
    told = re.findall(r"```\n\$ (.*?)\n(.*?)```", text, re.DOTALL)
    assert told, "there are no commands"
    for command, expected in told:
        done = run(shlex.split(command))
        printed = done.stdout + done.stderr
        assert is_printed(expected, printed), f"{command}\n{expected}\nis not in\n{printed}"


def is_printed(expected: str, printed: str) -> bool:
    """Tell whether a page's lines were printed, in order; ``…`` stands for lines left out.

    A commit is another one each time.
    """
    commit = re.compile(r"\b[0-9a-f]{12}\b")
    printed, at = "\n" + commit.sub("COMMIT", printed), 0
    parts = re.split(r"^…$", commit.sub("COMMIT", expected), flags=re.MULTILINE)
    for part in filter(None, (part.strip("\n") for part in parts)):
        lines = f"\n{part}\n"
        found = printed.find(lines, at)
        if found < 0:
            return False
        at = found + len(lines) - 1
    return True
