"""``pe-dvc audit``: who read which gated data, and whether the answer was altered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from pe_dvc.cli.failures import CHECK_FAILED, answers_by_exit_code
from pe_dvc.cli.group import Group
from pe_dvc.cli.output import echo, json_option, print_json, say
from pe_dvc.primitives.sizes import counted

F = TypeVar("F", bound=Callable[..., Any])

_FILTERS = {
    "--country": "Only of this country.",
    "--dataset": "Only of this dataset.",
    "--person": "Only by this person, as the gateway names them.",
    "--project": "Only for this project.",
    "--raw-source": "Only of data made from this raw input.",
}
_GROUPS = ("raw-source", "dataset", "project", "person", "grant")


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
@click.option(
    "--proof",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Only this proof of one entry, without the ledger.",
)
@ledger_option
@json_option
@click.pass_context
def verify(
    ctx: click.Context,
    key: str,
    checkpoints: tuple[Path, ...],
    proof: Path | None,
    ledger: str | None,
    as_json: bool,
) -> None:
    """Check that no entry was edited, removed, moved or put in.

    Every entry is hashed, and compared with what the gateway signed. With --proof only the
    entry in a file that `pe-dvc audit prove` made is checked, for who has no ledger.
    """
    from pe_dvc import Ledger

    if proof is not None:
        if checkpoints or ledger:
            raise click.UsageError("--proof is verified without --ledger and --checkpoint")
        _verify_proof(ctx, proof, key, as_json)
        return
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


def _verify_proof(ctx: click.Context, proof: Path, key: str, as_json: bool) -> None:
    from pe_dvc import Ledger
    from pe_dvc.cli.audit_output import read_line

    with answers_by_exit_code(ctx):
        found = Ledger().verify_proof(proof, key=key)
    if as_json:
        print_json(found)
    else:
        echo(read_line(found.read))
    say(f"entry {found.index} of {found.origin}, which had {found.size} entries when it was proved")
    say(f"by the key {found.key}")


@command.command("prove")
@click.argument("index", type=click.IntRange(min=0))
@ledger_option
def prove(index: int, ledger: str | None) -> None:
    """Print a proof that an entry is in the ledger, for who does not have it.

    `pe-dvc audit verify --proof` checks it. It has pseudonyms and no names.
    """
    from pe_dvc import Ledger

    click.echo(Ledger(ledger).prove(index), nl=False)


@command.command("report")
@filter_options
@click.option(
    "--by", type=click.Choice(_GROUPS), help="Not each read, but what they come to by this."
)
@click.option(
    "--access",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="An access.yaml: say what of a grant is another there, and which grants ended.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@ledger_option
@json_option
def report(
    by: str | None,
    access: Path | None,
    as_csv: bool,
    ledger: str | None,
    as_json: bool,
    **asked: Any,
) -> None:
    """List who read what, when, by which right, and from where.

    Reads that no grant allowed are marked NO GRANT. Run `pe-dvc audit verify` first.
    """
    from pe_dvc import Ledger, ReadFilter
    from pe_dvc.cli.audit_output import print_reads, print_usage

    if as_csv and as_json:
        raise click.UsageError("use either --csv or --json")
    reads = ReadFilter(**asked)
    if by is not None:
        print_usage(Ledger(ledger).usage(by, reads, access=access), as_csv, as_json)
    else:
        print_reads(Ledger(ledger).report(reads, access=access), as_csv, as_json)


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
