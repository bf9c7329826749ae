"""``pe-dvc check``: may this be committed?"""

from __future__ import annotations

import click

from pe_dvc.cli.failures import CHECK_FAILED
from pe_dvc.cli.group import Command
from pe_dvc.cli.output import echo, json_option, print_json, say
from pe_dvc.primitives.sizes import counted


@click.command("check", cls=Command)
@click.option("--staged", is_flag=True, help="What the next commit will hold, not the work tree.")
@json_option
@click.pass_context
def command(ctx: click.Context, staged: bool, as_json: bool) -> None:
    """Check that manifests, the signed pointer and dvc.lock agree.

    Reads no payload: made to run before each commit. With --staged, as the git hook runs it, it
    says nothing where all agree.
    """
    from pe_dvc import Repo

    checks = Repo().check(staged=staged)
    if as_json:
        print_json(checks)
    else:
        for check in checks:
            if not check.ok:
                echo(f"{check.verdict:<8} {check.name}  {check.detail}")
        if not staged and all(check.ok for check in checks):
            say(f"ok: {counted(len(checks), 'dataset')}, by git alone: no file of data was read")
    if any(not check.ok for check in checks):
        ctx.exit(CHECK_FAILED)
