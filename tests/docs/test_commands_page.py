"""docs/commands.md is what the commands say of themselves, and its examples can be typed."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from pe_dvc.cli.examples import EXAMPLES
from pe_dvc.cli.exits import EXITS
from pe_dvc.cli.main import cli
from tests.support.command_reference import PAGE, leaves, reference

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = dict(leaves())
FILES = ("root.json", "bob.pem", "manifest.json", "logs.json.gz")
"""Files that examples name."""


def test_the_page_is_made_from_the_commands() -> None:
    assert PAGE.read_text() == reference(), "docs/commands.md is stale: run make reference"


def test_every_command_has_an_example_and_nothing_else_has() -> None:
    assert set(EXAMPLES) == set(COMMANDS)
    assert set(EXITS) <= set(COMMANDS)


@pytest.mark.parametrize(
    ("words", "arguments"),
    [(words, arguments) for words, examples in EXAMPLES.items() for arguments, _ in examples],
)
def test_an_example_can_be_typed(
    words: str, arguments: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in FILES:
        (tmp_path / name).touch()
    given = shlex.split(arguments)
    context = COMMANDS[words].make_context(words, list(given))
    assert isinstance(context, click.Context)
    with pytest.raises(click.UsageError):
        COMMANDS[words].make_context(words, [*given, "--no-such-option"])


@pytest.mark.parametrize("words", COMMANDS)
def test_help_ends_with_the_examples(words: str) -> None:
    shown = CliRunner().invoke(cli, [*words.split(), "--help"], terminal_width=200).output
    for arguments, text in EXAMPLES[words]:
        assert f"  pe-dvc {words} {arguments}".rstrip() in shown
        assert f"    # {text}" in shown
    assert EXITS.get(words, "") in shown
