"""``pe-dvc channel sign`` and ``renew``: signatures of the roles in git."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from pe_dvc.cli.channel_output import print_status, say_review
from pe_dvc.cli.failures import CHECK_FAILED
from pe_dvc.cli.group import Command
from pe_dvc.cli.output import json_option, print_json, say, store_option

if TYPE_CHECKING:
    from pe_dvc.usecases.channel.review import Review


@click.command("sign", cls=Command)
@click.argument("role")
@click.option("--yes", is_flag=True, help="Do not ask.")
@store_option
@json_option
@click.pass_context
def sign(ctx: click.Context, role: str, yes: bool, store: str | None, as_json: bool) -> None:
    """Sign ROLE, such as next, with this machine's keys.

    Shows first what it would sign: datasets that change, what their gates say, keys added or
    removed, thresholds, expiry. Then it asks; in scripts, give --yes. A draft of root or targets
    is in force once enough have signed it. Commit and push the file.

    Without a key of ROLE on this machine it fails with exit code 1, and says where keys are
    looked for.
    """
    from pe_dvc import Repo

    channel = Repo().channel
    review = channel.review(role, store=store, progress=True)
    say_review(review)
    if not yes and any(one.unsigned_by for one in review.status) and not _agrees(review):
        say("nothing was signed")
        ctx.exit(CHECK_FAILED)
    status = channel.sign(role, shown=review.digest)
    if as_json:
        print_json(status)
        return
    print_status(status)
    for keyid in status.uncounted:
        say(f"dropped the signature of {status.key(keyid)}: it is not of this draft and role")
    if review.status[-1].draft and not status.draft:
        say(f"{role} {status.version} is in force: commit it, and push")
    elif status.request:
        say(f"{role} {status.version} {status.request}")


def _agrees(review: Review) -> bool:
    if not (sys.stdin and sys.stdin.isatty()):
        raise click.UsageError(
            f"{review.role} was not signed: there is no terminal to ask on. Read what it would "
            f"sign, then run pe-dvc channel sign {review.role} --yes."
        )
    return click.confirm(f"Sign {review.role} {review.status[-1].version}?", err=True)


@click.command("renew", cls=Command)
@click.argument("role")
@json_option
def renew(role: str, as_json: bool) -> None:
    """Give ROLE a new version that expires later.

    Then commit and push. For the roles that git holds: root, targets, latest, next, revoked and
    releases. Where others must sign, too, it waits for pe-dvc channel sign ROLE.
    """
    from pe_dvc import Repo

    status = Repo().channel.renew(role)
    if as_json:
        print_json(status)
        return
    print_status(status)
    if status.request:
        say(f"{role} {status.version} {status.request}")
