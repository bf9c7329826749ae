"""The docs name only commands and options that exist."""

from __future__ import annotations

import re

import click
import pytest

from pe_dvc.cli.main import cli
from tests.support.paths import ROOT

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
IN_CODE = re.compile(r"```sh\n.*?```|`[^`]+`", re.DOTALL)
CALL = re.compile(r"pe-dvc +([^\n`#&|;)]+)")


def calls() -> set[str]:
    """Return what follows ``pe-dvc`` in the code of every page."""
    code = [part for page in PAGES for part in IN_CODE.findall(page.read_text())]
    joined = (re.sub(r"\\\n| # .*", " ", part) for part in code)
    return {call.strip() for part in joined for call in CALL.findall(part)}


def command_of(words: list[str]) -> click.Command:
    """Return the command that the first of the words lead to."""
    found: click.Command = cli
    for word in words:
        step = (
            found.get_command(click.Context(found), word)
            if isinstance(found, click.Group)
            else None
        )
        if step is None:
            break
        found = step
    return found


@pytest.mark.parametrize("call", sorted(calls()))
def test_a_call_is_of_a_command_with_those_options(call: str) -> None:
    words = call.split()
    command = command_of(words)
    assert command is not cli or words[0].startswith(("-", "…")), "no such command"
    params = [param for one in (command, cli) for param in one.get_params(click.Context(one))]
    known = {option for param in params for option in param.opts}
    given = {word.partition("=")[0] for word in words if re.match(r"--\w", word)}
    assert given <= known
