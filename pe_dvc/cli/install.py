"""``pe-dvc install``: git hooks, beside DVC's and your own."""

from __future__ import annotations

import click

from pe_dvc.cli.group import Command
from pe_dvc.cli.output import say


@click.command("install", cls=Command)
@click.option("--uninstall", is_flag=True, help="Remove the hooks.")
def command(uninstall: bool) -> None:
    """Add git hooks that check commits, verify checkouts and push data.

    Before a commit manifests, pointer and dvc.lock must agree (pe-dvc check --staged); a git push
    of the default branch uploads data before, and publishes (pe-dvc push) once it is accepted;
    after a checkout or merge the files that are here are verified. Hooks of DVC and your own
    stay as they are and run too, now or installed later.
    """
    from pe_dvc import Repo

    if uninstall:
        say("Hooks removed." if Repo().uninstall() else "No hooks of pe-dvc here.")
        return
    hooks = Repo().install()
    say(f"Hooks installed in {hooks.directory}; they also run those in {hooks.earlier}.")
