"""``pe-dvc find``: which columns of a country's datasets are about something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pe_dvc.cli.group import Command
from pe_dvc.cli.output import (
    echo,
    json_option,
    offline_option,
    print_json,
    say,
    say_age,
    store_option,
)

if TYPE_CHECKING:
    from pe_dvc.primitives.reference import ChannelName
    from pe_dvc.usecases.read.find import Findings, FoundColumn

SHOWN_DATASETS = 3


@click.command("find", cls=Command)
@click.argument("words", nargs=-1, required=True, metavar="WORD...")
@click.option("--country", help="Look in this country alone, such as us.")
@click.option(
    "--channel",
    type=click.Choice(["latest", "next"]),
    default="latest",
    help="Where to look. Default: latest.",
)
@store_option
@offline_option
@json_option
def command(
    words: tuple[str, ...],
    country: str | None,
    channel: ChannelName,
    store: str | None,
    offline: bool,
    as_json: bool,
) -> None:
    """Find columns by name or meaning.

    A column is found if its name, label, description or values have every WORD, in any order;
    upper and lower case are alike. Names come first, then labels, then descriptions. Looks in
    every country whose root is pinned, and that of the data repo around; no payload is read.
    """
    import pe_dvc

    found = pe_dvc.find(" ".join(words), country, channel=channel, store=store, offline=offline)
    for each in sorted(_countries(found)) if offline else ():
        say_age(each, store)
    for reference, problem in found.problems.items():
        say(f"{reference} was not looked at, or not whole: {problem}")
    print_json(found) if as_json else _print(found)
    if not found.columns:
        say(f"no column in {channel} is about {' '.join(words)}")
        click.get_current_context().exit(3)


def _countries(found: Findings) -> set[str]:
    references = [name for column in found.columns for name in column.references]
    return {name.removeprefix("pe-data://").partition("/")[0] for name in references}


def _print(found: Findings) -> None:
    width = max((len(column.name) for column in found.columns), default=0)
    for column in found.columns:
        echo(f"{column.name:<{width}}  {_meaning(column)}")
        echo(f"{'':<{width}}    in {_datasets(column)}")


def _meaning(column: FoundColumn) -> str:
    unit = f" [{column.unit}]" if column.unit else ""
    entity = f" of {column.entity}" if column.entity else ""
    return f"{column.label or '(no label)'}{unit}{entity}"


def _datasets(column: FoundColumn) -> str:
    shown = ", ".join(column.references[:SHOWN_DATASETS])
    more = len(column.references) - SHOWN_DATASETS
    return f"{shown} and {more} more" if more > 0 else shown
