"""``pe-dvc unrevoke``: take back a withdrawal."""

from __future__ import annotations

import click

from pe_dvc.cli.group import Command
from pe_dvc.cli.output import json_option, print_json, say
from pe_dvc.cli.revoke_output import say_role


@click.command("unrevoke", cls=Command)
@click.argument("references", nargs=-1, metavar="[REF…]")
@click.option(
    "--raw-input",
    "raw_inputs",
    multiple=True,
    metavar="SHA256",
    help="Take back the withdrawal of a raw input, and of what derives from it.",
)
@json_option
def command(references: tuple[str, ...], raw_inputs: tuple[str, ...], as_json: bool) -> None:
    """Take back the withdrawal of artifacts, each a pinned reference.

    Writes the next version of the role revoked in git, for stewards to sign as those of revoke.
    Both versions stay in the history. The bytes come back with pe-dvc push in a clone that has
    them, what lies beside them with pe-dvc fsck --repair.
    """
    from pe_dvc import Repo

    if not (references or raw_inputs):
        raise click.UsageError("Name a pinned reference, or --raw-input SHA256.")
    done = Repo().unrevoke(references, raw_inputs=raw_inputs)
    if as_json:
        print_json(done)
        return
    say_role(done)
    say(
        "after that, pe-dvc fsck --repair in a clone whose DVC cache has the data brings back what "
        "lies beside it"
    )
