"""``pe-dvc channel status``: who signed each role, and whether readers see what git holds."""

from __future__ import annotations

import click

from pe_dvc.cli.channel_output import print_status
from pe_dvc.cli.group import Command
from pe_dvc.cli.output import echo, json_option, print_json, store_option


@click.command("status", cls=Command)
@click.option("--offline", is_flag=True, help="Look at git alone.")
@store_option
@json_option
def status(offline: bool, store: str | None, as_json: bool) -> None:
    """Show each role's signatures, missing ones, and expiry.

    Shows drafts of root and targets as well, and who must still sign them. Also says where the
    channels stand: whether readers see what git holds, and what to do if not.
    """
    from pe_dvc import Repo
    from pe_dvc.primitives.errors import NotFoundError, StoreError

    channel, unread = Repo().channel, None
    roles = channel.status()
    try:
        found = channel.standing(store=store, offline=offline)
    except (NotFoundError, StoreError) as error:
        unread = f"the bucket could not be read: {error.message}"
        found = channel.standing(offline=True)
    sentences = (*([unread] if unread else []), *found.sentences)
    if as_json:
        gates = {name: [one.to_note() for one in held] for name, held in found.gates.items()}
        read = not (offline or unread)
        print_json({"roles": roles, "standing": sentences, "bucket_read": read, "gates": gates})
        return
    for role in roles:
        print_status(role)
    for name, results in found.gates.items():
        echo(f"gates of {name} in next")
        for result in results:
            echo(f"  {result}")
    for sentence in sentences:
        echo(sentence)
