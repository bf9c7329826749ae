"""``pe-dvc diff``: what changed between any two states of datasets."""

from __future__ import annotations

import click

from pe_dvc.cli.failures import CHECK_FAILED, answers_by_exit_code
from pe_dvc.cli.group import Command
from pe_dvc.cli.output import echo, json_option, offline_option, print_json, store_option


def _share(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    """Return the share of percents such as ``2%`` or ``2``: 0.02."""
    if value is None:
        return None
    try:
        number = float(value.removesuffix("%"))
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise click.BadParameter(f"{value!r} is no number of percents: expected the form of 2%")
    return number / 100


@click.command("diff", cls=Command)
@click.argument("before")
@click.argument("after")
@click.option(
    "--rows/--no-rows",
    default=None,
    help="Download what is needed to compare the rows themselves; or never compare them. "
    "Default: compare them where the data of both are on this machine.",
)
@click.option("--key", metavar="COLUMN", help="The key of a file that no manifest describes.")
@click.option("--weight", metavar="COLUMN", help="Its weight.")
@click.option("--country", help="Of channels and releases. Default: the enclosing data repo's.")
@click.option(
    "--fail-over",
    callback=_share,
    metavar="PERCENTS",
    help="Exit with 1 only if a figure or a number of rows moved by more, or something came or "
    "went.",
)
@click.option("--markdown", is_flag=True, help="Print Markdown, as for a pull request.")
@click.option("--html", is_flag=True, help="Print a page of HTML.")
@store_option
@offline_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    before: str,
    after: str,
    rows: bool | None,
    key: str | None,
    weight: str | None,
    country: str | None,
    fail_over: float | None,
    markdown: bool,
    html: bool,
    store: str | None,
    offline: bool,
    as_json: bool,
) -> None:
    """Show what changed between two versions of data, and where.

    BEFORE and AFTER are each a reference (us/cps_2024@latest), a channel or a version of it
    (latest, latest:4, us/cps_2024@latest:4), a release, a git tag or commit, a manifest, or a file
    of data. On a branch that nominates, next is the branch's, and next:published what readers see.

    Figures that moved most come first, then the groups of rows in which the change concentrates,
    then rows, columns and inputs. Says where only the encoding changed. Without payloads, what
    manifests and profiles tell.
    """
    import pe_dvc

    if markdown + html + as_json > 1:
        raise click.UsageError("--json, --markdown and --html are three forms of one answer.")
    with answers_by_exit_code(ctx):
        found = pe_dvc.diff(
            before,
            after,
            rows=rows,
            key=key,
            weight=weight,
            country=country,
            store=store,
            offline=offline,
            progress=True,
        )
        if as_json:
            print_json(found)
        elif html:
            click.echo(found.to_html(), nl=False)
        else:
            for line in found.to_markdown() if markdown else found.to_text():
                echo(line)
        if not found.is_same if fail_over is None else found.is_over(fail_over):
            ctx.exit(CHECK_FAILED)
