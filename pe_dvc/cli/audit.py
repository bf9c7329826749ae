"""``pe-dvc audit``: who read which gated data, and whether the answer was altered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pe_dvc.cli.failures import CHECK_FAILED, answers_by_exit_code
from pe_dvc.cli.group import Group
from pe_dvc.cli.output import echo, json_option, print_json, print_list, say
from pe_dvc.primitives.sizes import bytes_text, counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pe_dvc.gateway.report import ReportedRead, Usage

F = TypeVar("F", bound=Callable[..., Any])

_FILTERS = {
    "--country": "Only of this country.",
    "--dataset": "Only of this dataset.",
    "--person": "Only by this person, as the gateway names them.",
    "--project": "Only for this project.",
    "--raw-source": "Only of data made from this raw input.",
}
_NONE = "the ledger has no such read"
_GROUPS = ("raw-source", "dataset", "project", "person")


@click.group("audit", cls=Group)
def command() -> None:
    """Ask who read gated data, and verify the answer."""


def ledger_option(function: F) -> F:
    """Add ``--ledger``: where the ledger is."""
    return click.option(
        "--ledger",
        metavar="PLACE",
        help="The ledger: an SQLite file or postgresql://…. Default: PE_DVC_LEDGER.",
    )(function)


def _time(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    """Read a date or a time, of UTC unless it says its zone."""
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is no date: write 2026-01-31 or 2026-01-31T12:00Z"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def filter_options(function: F) -> F:
    """Add what reads are asked for by."""
    function = click.option("--without-grant", is_flag=True, help="Only what no grant allowed.")(
        function
    )
    function = click.option(
        "--until", metavar="DATE", callback=_time, help="Only before this, in UTC."
    )(function)
    function = click.option(
        "--since", metavar="DATE", callback=_time, help="Only from this on, in UTC."
    )(function)
    for name, text in reversed(_FILTERS.items()):
        function = click.option(name, metavar="NAME", help=text)(function)
    return function


@command.command("verify")
@click.option(
    "--key", required=True, metavar="KEY", help="The gateway's public key, or its key file."
)
@click.option(
    "--checkpoint",
    "checkpoints",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A checkpoint that was kept elsewhere; may be repeated.",
)
@ledger_option
@json_option
@click.pass_context
def verify(
    ctx: click.Context, key: str, checkpoints: tuple[Path, ...], ledger: str | None, as_json: bool
) -> None:
    """Check that no entry was edited, removed, moved or put in.

    Every entry is hashed, and compared with what the gateway signed.
    """
    from pe_dvc import Ledger

    with answers_by_exit_code(ctx):
        verdict = Ledger(ledger).verify(key=key, checkpoints=checkpoints)
    if as_json:
        print_json(verdict)
    for fault in verdict.faults:
        say(f"ALTERED: {fault.message}")
    say(
        f"{verdict.entries} entries of {verdict.origin} compared with "
        f"{counted(verdict.checkpoints, 'signed checkpoint')}"
    )
    say(f"by the key {verdict.key}")
    if verdict.faults:
        ctx.exit(CHECK_FAILED)


@command.command("report")
@filter_options
@click.option(
    "--by", type=click.Choice(_GROUPS), help="Not each read, but what they come to by this."
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@ledger_option
@json_option
def report(by: str | None, as_csv: bool, ledger: str | None, as_json: bool, **asked: Any) -> None:
    """List who read what, when, by which right, and from where.

    Reads that no grant allowed are marked NO GRANT. Run `pe-dvc audit verify` first.
    """
    from pe_dvc import Ledger

    if as_csv and as_json:
        raise click.UsageError("use either --csv or --json")
    if by is not None:
        _print_usage(Ledger(ledger).usage(by, **asked), as_csv, as_json)
    else:
        _print_reads(Ledger(ledger).report(**asked), as_csv, as_json)


def _print_reads(reads: Iterable[ReportedRead], as_csv: bool, as_json: bool) -> None:
    from pe_dvc.cli.audit_csv import csv_line

    if as_json:
        print_list(reads)
        return
    number = -1
    for number, one in enumerate(reads):
        if as_csv:
            values = one.to_json()
            if number == 0:
                echo(csv_line(list(values)))
            echo(csv_line(list(values.values())))
            continue
        read = one.read
        size = "all" if read.byte_count is None else bytes_text(read.byte_count)
        what = f"{read.country}/{read.dataset}" if read.dataset else read.object_key
        made_from = f"  from {', '.join(read.raw_sources)}" if read.raw_sources else ""
        echo(
            f"{read.at:%Y-%m-%dT%H:%M:%SZ}  {read.person}  {read.project or '-'}  "
            f"{read.licence or '-'}  {what}"
            f"{f'@{read.version}' if read.version else ''}  {read.kind}  {size}  "
            f"{read.client_address}{made_from}{'  NO GRANT' if one.grant_missing else ''}"
        )
    if number < 0:
        say(_NONE)


def _print_usage(rows: list[Usage], as_csv: bool, as_json: bool) -> None:
    from pe_dvc.cli.audit_csv import csv_line

    if as_json:
        print_json(rows)
        return
    if not rows:
        say(_NONE)
    for number, row in enumerate(rows):
        if as_csv:
            values = row.to_json()
            if number == 0:
                echo(csv_line(list(values)))
            echo(csv_line(list(values.values())))
            continue
        echo(f"{row.group}: {counted(row.reads, 'read')}, {bytes_text(row.bytes)}")
        echo(f"  from {row.first:%Y-%m-%d} to {row.last:%Y-%m-%d}")
        for name in ("people", "projects", "licences", "datasets"):
            echo(f"  {name}: {', '.join(sorted(getattr(row, name) - {''})) or '-'}")
        if row.without_grant:
            echo(f"  NO GRANT: {counted(row.without_grant, 'read')}")


@command.command("checkpoint")
@ledger_option
def checkpoint(ledger: str | None) -> None:
    """Print the newest signed checkpoint, to be kept elsewhere.

    `pe-dvc audit verify --checkpoint` finds by it a ledger that was set back or written again.
    """
    from pe_dvc import Ledger

    click.echo(Ledger(ledger).checkpoint(), nl=False)


@command.command("forget")
@click.argument("person")
@ledger_option
@json_option
def forget(person: str, ledger: str | None, as_json: bool) -> None:
    """Erase a person's name, addresses and tokens.

    Their reads stay, under a pseudonym that leads to no name; the ledger verifies as before.
    """
    from pe_dvc import Ledger

    count = Ledger(ledger).forget(person)
    if as_json:
        print_json({"erased": count})
    say(f"erased {counted(count, 'value')}; backups that were made before still have them")


@command.command("import")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
)
@click.option("--country", required=True, metavar="CODE", help="Whose bucket it is.")
@click.option(
    "--key",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The key file that signs the ledger; made if there is none.",
)
@click.option(
    "--manifests",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Manifests of a data repo, which say what dataset an object is.",
)
@ledger_option
@json_option
@click.pass_context
def import_(
    ctx: click.Context,
    files: tuple[Path, ...],
    country: str,
    key: Path,
    manifests: Path | None,
    ledger: str | None,
    as_json: bool,
) -> None:
    """Take reads from logs of AWS: CloudTrail data events, S3 access logs.

    Files may be gzipped. A request that was imported before is passed over.
    """
    from pe_dvc import Ledger

    done = Ledger(ledger).import_(files, key=key, country=country, manifests=manifests)
    if as_json:
        print_json(done)
    for fault in done.faults:
        say(f"not readable: {fault}")
    say(
        f"{counted(done.added, 'read')} added, {done.known} known before, "
        f"{done.other} requests read nothing, {done.unreadable} not readable"
    )
    if done.unreadable:
        ctx.exit(CHECK_FAILED)
