"""What a person mistypes is met with what was meant."""

from __future__ import annotations

import re

import click
import pytest
from click.testing import CliRunner

from pe_dvc.cli.main import COMMANDS, OTHER_WORDS, cli
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.reference import Reference
from pe_dvc.usecases.channel.source import parse_source

GROUPS = [
    (name,)
    for name in COMMANDS
    if isinstance(cli.get_command(click.Context(cli), name), click.Group)
]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gte us/x@latest", "pe-dvc get"),
        ("chanel list", "pe-dvc channel"),
        ("channel lst", "pe-dvc channel list"),
        ("channel keys ad", "pe-dvc channel keys add"),
        ("promote latest next", "pe-dvc channel promote"),
        ("download us/x@latest", "pe-dvc get"),
        ("list", "pe-dvc ls"),
    ],
)
def test_a_mistyped_command(typed: str, meant: str) -> None:
    done = CliRunner().invoke(cli, typed.split(), prog_name="pe-dvc")
    assert done.exit_code == 2
    assert f"Did you mean {meant}?" in done.output


def test_a_word_like_no_command_suggests_none() -> None:
    done = CliRunner().invoke(cli, ["zzzzzz"])
    assert done.exit_code == 2
    assert "Did you mean" not in done.output


@pytest.mark.parametrize(
    ("typed", "example"),
    [
        ("diff us/x@latest", "pe-dvc diff us/"),
        ("export us/x@latest", "pe-dvc export us/enhanced_cps_2024@latest --to "),
        ("channel promote next", "pe-dvc channel promote latest next"),
        ("find", "pe-dvc find "),
    ],
)
def test_where_an_argument_is_missing_an_example_is_shown(typed: str, example: str) -> None:
    done = CliRunner().invoke(cli, typed.split(), prog_name="pe-dvc")
    assert done.exit_code == 2
    assert f"Such as in: {example}" in done.output


def test_a_mistyped_channel_to_take_pointers_from() -> None:
    with pytest.raises(FormatError) as caught:
        parse_source("lates")
    assert caught.value.remedy == "Did you mean latest?"


def test_words_of_other_tools_lead_to_commands_that_exist() -> None:
    assert set(OTHER_WORDS.values()) <= set(COMMANDS)
    assert not set(OTHER_WORDS) & set(COMMANDS)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("us/people", "pe-data://us/people@latest"),
        ("pe-data://us/people", "pe-data://us/people@latest"),
        ("us/people@lastest", "pe-data://us/people@latest"),
        (f"us/people@{'4e' * 32}", f"pe-data://us/people@sha256:{'4e' * 32}"),
        ("us", "pe-dvc ls us"),
        ("people@latest", "us/people@latest"),
    ],
)
def test_a_mistyped_reference(typed: str, meant: str) -> None:
    with pytest.raises(FormatError) as caught:
        Reference.parse(typed)
    assert meant in (caught.value.remedy or "")


@pytest.mark.parametrize("path", [(), *GROUPS, ("channel", "keys")], ids=" ".join)
@pytest.mark.parametrize("width", [40, 60, 80])
def test_no_line_of_a_list_of_commands_is_cut(path: tuple[str, ...], width: int) -> None:
    shown = CliRunner().invoke(cli, [*path, "--help"], terminal_width=width).stdout
    assert not re.search(r"\w\.\.\.$", shown, re.MULTILINE)
