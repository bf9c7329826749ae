"""``pe-dvc fsck``: is everything in the bucket that should be, and is it the right bytes?"""

from __future__ import annotations

import click

from pe_dvc.cli.failures import CHECK_FAILED
from pe_dvc.cli.group import Command
from pe_dvc.cli.output import echo, json_option, print_json, say, store_option
from pe_dvc.primitives.sizes import bytes_text, counted

_REPAIRED = "pe-dvc fsck --repair restores what has an intact copy here or in --mirror"
_NO_COPY = (
    "what is left has no intact copy here or in --mirror: run it in the clone that built it, or "
    "name another --mirror"
)


@click.command("fsck", cls=Command)
@click.option(
    "--repair", is_flag=True, help="Restore damaged objects from the DVC cache or a mirror."
)
@click.option("--mirror", metavar="MIRROR", help="For --repair: a mirror by name, or its address.")
@store_option
@json_option
@click.pass_context
def command(
    ctx: click.Context, repair: bool, mirror: str | None, store: str | None, as_json: bool
) -> None:
    """Check every object in the bucket; --repair restores what it can.

    Reads and hashes every payload, and holds manifests, chunk lists and the listings of
    directories against what the channels signed. A check that was cut off goes on where it was.
    Exits with 1 if anything is missing or damaged and was not restored.
    """
    from pe_dvc import Repo

    checked = Repo().fsck(store=store, repair=repair, mirror=mirror, progress=True)
    report = checked.report
    if as_json:
        print_json(checked)
    else:
        for finding in report.findings:
            echo(f"{finding.fault:<10}  {finding.what}  {finding.key}: {finding.detail}")
        for one in checked.repaired:
            echo(f"repaired    {one.what}  {one.key} from {one.source}")
        resumed = f", {report.resumed} by a run before" if report.resumed else ""
        elsewhere = f", {report.elsewhere} of them elsewhere" if report.elsewhere else ""
        say(
            f"{counted(report.manifests, 'manifest')}, {counted(report.hashed, 'payload')} hashed "
            f"({bytes_text(report.hashed_bytes)}){elsewhere}{resumed}; "
            f"{counted(len(checked.unrepaired), 'fault')} left"
        )
        if any(finding.fault == "orphaned" for finding in report.findings):
            say("orphaned objects do no harm: pe-dvc gc removes them when they are old enough")
        if checked.unrepaired:
            say(_NO_COPY if repair else _REPAIRED)
    if checked.unrepaired:
        ctx.exit(CHECK_FAILED)
