"""``pe-dvc verify``: is this checkout what was built and signed?"""

from __future__ import annotations

import click

from pe_dvc.cli.failures import CHECK_FAILED
from pe_dvc.cli.output import json_option, print_json


@click.command("verify")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@json_option
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...], as_json: bool) -> None:
    """Check every dataset of this checkout against its manifest.

    For each dataset (or those named) the file's sha256, the manifest, dvc.lock and the signed
    pointer must agree. Works in any clone, without keys and without the bucket.
    """
    from pe_dvc.project.repo import DataRepo

    checks = DataRepo.find().verify(names)
    if as_json:
        print_json([check.to_json() for check in checks])
    else:
        for check in checks:
            click.echo(f"{check.verdict:<8} {check.name}  {check.detail}")
    if any(not check.ok for check in checks):
        ctx.exit(CHECK_FAILED)
