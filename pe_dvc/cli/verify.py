"""``pe-dvc verify``: is this checkout what was built and signed?"""

from __future__ import annotations

import click

from pe_dvc.cli.failures import CHECK_FAILED, REVOKED
from pe_dvc.cli.group import Command
from pe_dvc.cli.output import echo, json_option, print_json, say


@click.command("verify", cls=Command)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--present", is_flag=True, help="Check only files that are here; read only those that changed."
)
@click.option("--quiet", is_flag=True, help="Show only what differs.")
@json_option
@click.pass_context
def command(
    ctx: click.Context, names: tuple[str, ...], present: bool, quiet: bool, as_json: bool
) -> None:
    """Check every dataset of this checkout against its manifest.

    For each dataset (or those named) the file's sha256, the manifest, dvc.lock and the signed
    pointer must agree. Works in any clone, without keys and without the bucket. What was withdrawn,
    as far as is known here, is "revoked", and the exit code 4 where nothing else differs.
    """
    from pe_dvc import Repo

    checks = Repo().verify(names, present=present)
    if as_json:
        print_json(checks)
    elif not checks and not quiet and not present:
        say("no dataset is declared: nothing was checked")
    else:
        for check in checks:
            if not (quiet and check.ok):
                echo(f"{check.verdict:<8} {check.name}  {check.detail}")
    verdicts = {check.verdict for check in checks if not check.ok}
    if verdicts - {"revoked"}:
        if present:
            say("Is this data of another commit? Then run pe-dvc pull.")
        ctx.exit(CHECK_FAILED)
    if verdicts:
        ctx.exit(REVOKED)
