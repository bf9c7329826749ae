"""``pe-dvc channel rollback``: going back to what was published earlier."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from pe_dvc.cli.channel_output import say_update
from pe_dvc.cli.group import Command
from pe_dvc.cli.output import json_option, print_json, say, store_option

if TYPE_CHECKING:
    from pe_dvc.usecases.channel.rollback import RolledBack


@click.command("rollback", cls=Command)
@click.argument("channel", type=click.Choice(["latest", "next"]))
@click.argument("names", nargs=-1, metavar="[NAME…]")
@click.option(
    "--to",
    required=True,
    metavar="VERSION",
    help="A version of the channel such as 12, one of the other such as latest:12, @sha256:… of "
    "one dataset, or a published release.",
)
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is signed and published.")
@store_option
@json_option
def rollback(
    channel: str, names: tuple[str, ...], to: str, reason: str, store: str | None, as_json: bool
) -> None:
    """Take datasets of CHANNEL back to an earlier version.

    All datasets that it had, or those named. Writes a new version of the channel; of latest the
    manifests, too. What gates say is shown and stops nothing. Refuses what is not whole in the
    bucket. Then commit and push; next is a draft first, for the other reviewers to sign.
    """
    from pe_dvc import Repo

    done = Repo().channel.rollback(channel, names, to=to, reason=reason, store=store, progress=True)
    if as_json:
        print_json(done)
        return
    for sentence in done.gates:
        say(f"  of what it goes back to: {sentence}")
    if not done.went_back:
        say(f"{channel} has what {done.to} had: there is nothing to go back to")
    say_update(done.update)
    for path in done.restored:
        say(f"restored {path}")
    if channel == "latest" and done.went_back:
        _say_data(done)


def _say_data(done: RolledBack) -> None:
    """Say how DVC's files get what the manifests describe."""
    if done.commit is not None:
        files = shlex.join(done.dvc_files)
        say(f"data      git checkout {done.commit[:12]} -- {files}, then pe-dvc pull")
    else:
        say("data      no one commit has all of this, so:")
        for reference, path in done.files.items():
            say(f"  pe-dvc get {shlex.quote(reference)} --output {shlex.quote(path)}")
        say("  dvc commit --force")
    if all(file.endswith(".dvc") for file in done.dvc_files):
        say("Then dvc repro for dvc.lock, commit and push.")
    else:
        say("Then commit and push.")
        say("What made the bad build is still here: dvc repro would run it again.")
