"""``pe-dvc gc``: remove unreachable objects from the bucket."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from pe_dvc.cli.failures import STORE_UNAVAILABLE
from pe_dvc.cli.group import Command
from pe_dvc.cli.output import echo, json_option, print_json, say, store_option
from pe_dvc.primitives.sizes import bytes_text, counted

if TYPE_CHECKING:
    from pe_dvc.usecases.retention.gc import Collected
    from pe_dvc.usecases.retention.gc_plan import Plan
    from pe_dvc.usecases.retention.sweep import Swept
    from pe_dvc.usecases.retention.unfinished import Uploads


@click.command("gc", cls=Command)
@click.option("--apply", is_flag=True, help="Remove what is listed; without it, this is a dry run.")
@click.option(
    "--grace-days",
    type=click.FloatRange(min=0),
    help="Keep anything younger; 14 days unless given.",
)
@click.option("--tips", is_flag=True, help="Of branches and tags keep only the last commit's data.")
@click.option(
    "--unknown",
    is_flag=True,
    help="Remove also payloads that this clone never heard of: only where no other DVC repo uses "
    "this remote.",
)
@store_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    apply: bool,
    grace_days: float | None,
    tips: bool,
    unknown: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """Remove objects that no commit, channel or release refers to.

    A dry run unless --apply is given: shows what would go, with sizes. Refuses in a clone that
    does not hold all of git's history, here and at its remotes, and during a publication.
    """
    from datetime import timedelta

    from pe_dvc import Repo

    grace = None if grace_days is None else timedelta(days=grace_days)
    done = Repo().gc(store=store, apply=apply, tips=tips, unknown=unknown, grace=grace)
    if as_json:
        print_json(done)
    else:
        _say(done)
    if (done.swept and done.swept.failures) or done.uploads.failures:
        ctx.exit(STORE_UNAVAILABLE)


def _say(done: Collected) -> None:
    _show(done.plan)
    _show_uploads(done.uploads)
    for key, what in done.withdrawn.items():
        say(f"withdrawn, and still there until pe-dvc revoke --remove: {what}  {key}")
    if not done.plan.unreachable and not done.uploads.found:
        say("There is nothing to remove.")
        return
    if done.swept is None:
        say("Nothing was removed: this is a dry run. To remove it, run pe-dvc gc --apply.")
        return
    if done.plan.unreachable:
        _say_swept(done.swept, versioned=done.versioned)
    if done.uploads.found:
        removed = counted(done.uploads.removed, "unfinished upload")
        say(f"removed {removed} ({bytes_text(done.uploads.removed_bytes)})")
        for error in done.uploads.failures.values():
            say(error.message)


def _say_swept(swept: Swept, *, versioned: bool) -> None:
    for key in swept.skipped:
        say(f"skipped {key}: it was written again meanwhile")
    say(f"removed {counted(swept.removed, 'object')} ({bytes_text(swept.removed_bytes)})")
    if versioned and swept.removed:
        say("nothing was freed: the bucket keeps old versions, until a lifecycle rule expires them")
    for error in swept.failures.values():
        say(error.message)
    if swept.failures:
        say(f"{counted(len(swept.failures), 'object')} could not be removed")


def _show_uploads(uploads: Uploads) -> None:
    for one in uploads.found:
        size = bytes_text(one.size)
        echo(f"{'upload':<9}{size:>10}  {one.begun:%Y-%m-%d}  not finished  {one.key}")
    if uploads.found:
        size = bytes_text(uploads.found_bytes)
        say(f"to remove  {counted(len(uploads.found), 'unfinished upload')} ({size})")
    if uploads.untold:
        say(f"unfinished uploads are not known: {uploads.untold}")


def counted_copies(number: int) -> str:
    """Return so many copies in words."""
    return f"{number} verified {'copy' if number == 1 else 'copies'}"


def _show(plan: Plan) -> None:
    for one in plan.unreachable:
        modified = f"{one.info.modified:%Y-%m-%d}" if one.info.modified else "-"
        size = bytes_text(one.info.size)
        remain = "" if one.copies is None else f"  {counted_copies(one.copies)} remain"
        echo(f"{one.kind:<9}{size:>10}  {modified}  {one.what}  {one.info.key}{remain}")
    for short in plan.short:
        say(f"kept       {short.object.info.key}: {counted_copies(short.copies)} in mirrors")
    kinds = Counter(one.kind for one in plan.unreachable)
    named = ", ".join(f"{kind} {count}" for kind, count in kinds.items())
    size = bytes_text(plan.unreachable_bytes)
    say(f"to remove  {counted(len(plan.unreachable), 'object')} ({size}) {named}".rstrip())
    if plan.unknown:
        size = bytes_text(plan.unknown_bytes)
        say(
            f"unknown    {counted(len(plan.unknown), 'object')} ({size}) left: no manifest and no "
            "commit of this clone ever named them. Another DVC repo may; if none uses this remote, "
            "--unknown removes them"
        )
    in_use, young = counted(plan.reachable, "object"), counted(plan.in_grace, "object")
    say(f"too young  {young} ({bytes_text(plan.in_grace_bytes)}): kept, whether in use or not")
    say(f"in use     {in_use} of the older ones ({bytes_text(plan.reachable_bytes)})")
