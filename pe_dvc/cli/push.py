"""``pe-dvc push``: publish what this checkout holds."""

from __future__ import annotations

import click

from pe_dvc.cli.arenas import share_arenas
from pe_dvc.cli.group import Command
from pe_dvc.cli.output import json_option, print_json, store_option
from pe_dvc.cli.publish_output import say_pushed, say_staged, uncommitted_option
from pe_dvc.cli.revoke_output import say_mirrors


@click.command("push", cls=Command)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option(
    "--stage",
    is_flag=True,
    help="Upload payloads and manifests of what was built here, or of the datasets NAME, and sign "
    "nothing: another machine does.",
)
@store_option
@uncommitted_option
@json_option
def command(
    names: tuple[str, ...], stage: bool, store: str | None, uncommitted: bool, as_json: bool
) -> None:
    """Publish payloads, manifests and channels, in that order.

    Uploads only what the bucket lacks. The signed pointer comes last, so that readers see the
    old state or the new one, never one between. A push that was cut off is completed by the
    next one.
    """
    from pe_dvc import Repo

    share_arenas()
    if stage:
        staged = Repo().stage(names, store=store, progress=True)
        print_json(staged) if as_json else say_staged(staged)
        return
    if names:
        raise click.UsageError("NAME goes with --stage: a push publishes the whole checkout.")
    pushed = Repo().push(store=store, uncommitted=uncommitted, progress=True)
    if as_json:
        print_json(pushed)
        return
    say_pushed(pushed)
    removal = pushed.removal
    if removal is not None and (removal.removed or removal.tombstones):
        say_mirrors([mirror.name for mirror in Repo().mirror.list() if mirror.is_filled])
