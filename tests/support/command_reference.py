"""docs/commands.md and the help, made from the commands by ``make reference``."""

from __future__ import annotations

import inspect
import textwrap
from typing import TYPE_CHECKING

import click
from click.testing import CliRunner

from pe_dvc.cli.examples import EXAMPLES
from pe_dvc.cli.exits import EXITS
from pe_dvc.cli.group import commands_of
from pe_dvc.cli.main import SECTIONS, cli
from pe_dvc.cli.start import WIDTH as WIDE
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = ROOT / "docs/commands.md"
HELP = ROOT / "pe_dvc/cli/help.txt"
WIDTH = 120
HEAD = """\
# Commands

Made by `make reference` from what `--help` says. Results go to stdout, messages to stderr;
`--json` prints [JSON](api.md#json). Every command ends with one of these
[exit codes](reading.md#exit-codes): 0 ok, 1 a check failed, 2 usage, 3 not found, 4 revoked,
5 store unavailable, 6 other. In Python each command is [one call](api-repo.md).

`pe-dvc -v` before a command logs decisions to stderr, `-vv` also requests to the store;
`pe-dvc --version` prints the version.
"""


def top_help() -> str:
    """Return what ``pe-dvc --help`` prints, as click has it (``pe_dvc.cli.start``)."""
    found = CliRunner().invoke(cli, ["--help"], prog_name="pe-dvc", terminal_width=WIDE)
    assert found.exit_code == 0
    return found.output


Found = tuple[str, click.Command, click.Context]


def reference() -> str:
    """Return the whole page."""
    top = click.Context(cli, info_name="pe-dvc")
    parts = [HEAD]
    for title, names in SECTIONS.items():
        parts.append(f"## {title}\n")
        for name in names:
            command = cli.get_command(top, name)
            assert command is not None
            context = click.Context(command, info_name=name, parent=top)
            parts += [_section(*found) for found in walk(name, command, context)]
    return "\n".join(parts)


def walk(words: str, command: click.Command, context: click.Context) -> Iterator[Found]:
    """Yield a command and those below it, each with the words that call it."""
    yield words, command, context
    if isinstance(command, click.Group):
        for name, inner in commands_of(command, context):
            below = click.Context(inner, info_name=name, parent=context)
            yield from walk(f"{words} {name}".strip(), inner, below)


def leaves() -> list[tuple[str, click.Command]]:
    """Return the commands that do something."""
    return [
        (words, command)
        for words, command, _ in walk("", cli, click.Context(cli))
        if not isinstance(command, click.Group)
    ]


def _section(words: str, command: click.Command, context: click.Context) -> str:
    usage = " ".join(["pe-dvc", words, *command.collect_usage_pieces(context)])
    parts = [f"### pe-dvc {words}", textwrap.indent(usage, "    "), _prose(command.help or "")]
    if isinstance(command, click.Group):
        names = [f"pe-dvc {words} {name}" for name, _ in commands_of(command, context)]
        links = (f"[{name}](#{name.replace(' ', '-')})" for name in names)
        parts.append("\n".join(f"- {link}" for link in links))
    else:
        parts += [_options(command, context), _exit(words), _examples(words)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _prose(text: str) -> str:
    paragraphs = inspect.cleandoc(text).replace("<", "\\<").split("\n\n")
    return "\n\n".join(_filled(paragraph) for paragraph in paragraphs)


def _filled(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), WIDTH, break_on_hyphens=False)


def _options(command: click.Command, context: click.Context) -> str:
    records = [
        param.get_help_record(context)
        for param in command.get_params(context)
        if isinstance(param, click.Option) and "--help" not in param.opts
    ]
    rows = [f"| `{_cell(names)}` | {_cell(text)} |" for names, text in filter(None, records)]
    return "\n".join(["| option | meaning |", "|---|---|", *rows]) if rows else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "\\<")


def _exit(words: str) -> str:
    return f"Exit code: {EXITS[words]}." if words in EXITS else ""


def _examples(words: str) -> str:
    calls = [f"pe-dvc {words} {arguments}".strip() for arguments, _ in EXAMPLES[words]]
    width = max(map(len, calls))
    lines = (
        f"{call:<{width}}  # {text}" for call, (_, text) in zip(calls, EXAMPLES[words], strict=True)
    )
    return "\n".join(["```sh", *lines, "```"])


if __name__ == "__main__":
    PAGE.write_text(reference())
    HELP.write_text(top_help(), encoding="ascii")
