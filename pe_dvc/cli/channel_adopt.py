"""``pe-dvc channel adopt``: taking over what was published and is not in git."""

from __future__ import annotations

import click

from pe_dvc.cli.group import Command
from pe_dvc.cli.output import say, store_option


@click.command("adopt", cls=Command)
@click.argument("role")
@store_option
def adopt(role: str, store: str | None) -> None:
    """Write the published version of ROLE into the work tree.

    ROLE is latest, next or another one. For a publisher that died before its commit was pushed.
    The version is verified first. Then run dvc repro and pe-dvc channel update latest, commit,
    and push.
    """
    from pe_dvc import Repo

    version = Repo().channel.adopt(role, store=store)
    if version is None:
        say(f"nothing to adopt: {role} is already as published, or newer")
    else:
        say(f"adopted {role} version {version}: commit it")
