"""``pe-dvc channel hold`` and ``release-hold``: datasets that no build may move."""

from __future__ import annotations

import click

from pe_dvc.cli.channel_output import say_update
from pe_dvc.cli.group import Command
from pe_dvc.cli.output import json_option, print_json, say


@click.command("hold", cls=Command)
@click.argument("name")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is signed and published.")
@json_option
def hold(name: str, reason: str, as_json: bool) -> None:
    """Keep dataset NAME of latest as it is.

    New builds do not move it, and it cannot be nominated, until pe-dvc channel release-hold NAME.
    Then commit and push, as after a build.
    """
    from pe_dvc import Repo

    done = Repo().channel.hold(name, reason=reason)
    if as_json:
        print_json(done)
        return
    say_update(done)
    say(f"{name} is held: commit and push")


@click.command("release-hold", cls=Command)
@click.argument("name")
@json_option
def release_hold(name: str, as_json: bool) -> None:
    """Let builds move dataset NAME of latest again.

    The next build moves it, or pe-dvc channel update latest does at once.
    """
    from pe_dvc import Repo

    done = Repo().channel.release_hold(name)
    if as_json:
        print_json(done)
        return
    say_update(done)
    say(f"{name} is no longer held: pe-dvc channel update latest moves it to what was built")
