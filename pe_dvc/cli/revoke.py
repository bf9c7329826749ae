"""``pe-dvc revoke``: withdraw datasets, and remove what was withdrawn from the bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pe_dvc.cli.failures import STORE_UNAVAILABLE
from pe_dvc.cli.group import Command
from pe_dvc.cli.output import echo, json_option, print_json, say, store_option
from pe_dvc.cli.revoke_output import say_affected, say_removal, say_role

if TYPE_CHECKING:
    from pe_dvc.public.repo import Repo


@click.command("revoke", cls=Command)
@click.argument("references", nargs=-1, metavar="[REF…]")
@click.option("--reason", metavar="TEXT", help="Why: one sentence, signed and public.")
@click.option("--authority", metavar="TEXT", help="Who decided; signed and public.")
@click.option(
    "--contact",
    metavar="TEXT",
    help="Whom readers may ask; the repo's contact unless given.",
)
@click.option("--replacement", metavar="REF", help="What to read instead: a pinned reference.")
@click.option(
    "--raw-input",
    "raw_inputs",
    multiple=True,
    metavar="SHA256",
    help="Withdraw all that derives from a raw input. Can be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Show what it concerns, and change nothing.")
@click.option(
    "--remove", is_flag=True, help="Remove from the bucket what is withdrawn and published as such."
)
@store_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    references: tuple[str, ...],
    reason: str | None,
    authority: str | None,
    contact: str | None,
    replacement: str | None,
    raw_inputs: tuple[str, ...],
    dry_run: bool,
    remove: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """Withdraw datasets, so that readers refuse them and their bytes leave the bucket.

    Writes entries into the role revoked in git and signs it with this machine's keys; other
    stewards add their signatures with pe-dvc channel sign revoked. After git commit, pe-dvc push
    publishes it and removes the bytes.

    --remove alone does that removal again, also of old versions in a bucket that keeps some. It
    exits with 5 while anything is left, and says why.
    """
    from pe_dvc import Repo

    if remove:
        if references or raw_inputs or dry_run:
            raise click.UsageError("--remove is given alone: it removes what is published.")
        _remove(ctx, Repo(), store, as_json)
        return
    if reason is None or authority is None:
        raise click.UsageError("--reason and --authority are needed: readers are told both.")
    done = Repo().revoke(
        references,
        raw_inputs=raw_inputs,
        reason=reason,
        authority=authority,
        contact=contact,
        replacement=replacement,
        dry_run=dry_run,
        store=store,
    )
    if as_json:
        print_json(done)
        return
    for one in done.entries:
        echo(f"{one.what}  {one.text}")
    say_affected(done.affected)
    if done.role is None:
        say("nothing was changed: this is a dry run")
    else:
        say_role(done.role)


def _remove(ctx: click.Context, repo: Repo, store: str | None, as_json: bool) -> None:
    removal = repo.remove_revoked(store=store)
    if as_json:
        print_json(removal)
    else:
        say_removal(removal)
    if not removal.is_complete:
        ctx.exit(STORE_UNAVAILABLE)
