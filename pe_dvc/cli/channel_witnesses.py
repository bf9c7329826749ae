"""``pe-dvc channel witnesses``: whose word readers demand, beside the signatures."""

from __future__ import annotations

import click

from pe_dvc.cli.channel_output import say_drafts
from pe_dvc.cli.group import Command
from pe_dvc.cli.output import json_option, print_json, print_lines, say


@click.command("witnesses", cls=Command)
@click.argument("keys", metavar="[KEY]...", nargs=-1)
@click.option("--threshold", type=click.IntRange(1), help="How many. Default: more than half.")
@click.option(
    "--days",
    type=click.IntRange(1),
    default=7,
    help="How old their cosignatures may be. Default: 7.",
)
@click.option("--none", "demands_none", is_flag=True, help="Demand no witnesses from now on.")
@click.option(
    "--entry", is_flag=True, help="Print what a witness must be told of this log. Changes nothing."
)
@json_option
def witnesses(
    keys: tuple[str, ...],
    threshold: int | None,
    days: int,
    demands_none: bool,
    entry: bool,
    as_json: bool,
) -> None:
    """Have readers demand that witnesses cosigned what is shown.

    Each KEY is what pe-dvc witness key prints. Writes a new root for git, signed by its keys;
    commit it and push. First push with the witnesses in [tool.pe_dvc.witnesses].

    With --entry prints the lines for the witness.toml of who is to be a witness.
    """
    from pe_dvc import Repo

    if [bool(keys), demands_none, entry].count(True) != 1:
        raise click.UsageError("Name the keys of witnesses, or --none, or --entry.")
    if entry:
        found = Repo().channel.witness_entry()
        if as_json:
            print_json(found)
            return
        print_lines(found.to_toml().rstrip())
        return
    change = Repo().channel.witnesses(keys, threshold=threshold, days=days)
    if as_json:
        print_json(change)
        return
    if keys:
        say(f"readers will demand {threshold or 'more than half'} of these witnesses: {len(keys)}")
    else:
        say("readers will demand no witnesses")
    if not change.drafts:
        say(f"root is at version {change.versions['root']}: commit it, and push")
    say_drafts(change.drafts)
