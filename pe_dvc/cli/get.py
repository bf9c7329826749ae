"""``pe-dvc get``: verified files from references."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pe_dvc.cli.failures import exit_code, say_error
from pe_dvc.cli.group import Command
from pe_dvc.cli.output import (
    json_option,
    offline_option,
    print_json,
    say,
    say_age,
    store_option,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.project.fetched import Fetched
    from pe_dvc.project.get_all import Attempt


@click.command("get", cls=Command)
@click.argument("references", nargs=-1, required=True, metavar="REFERENCE...")
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    help="Also copy the file here; a directory, or what ends in /, keeps the file's name, or for "
    "@sha256: the dataset's. Of several references, a directory. Of a dataset that is a directory, "
    "the directory to make.",
)
@store_option
@offline_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    references: tuple[str, ...],
    output: str | None,
    store: str | None,
    offline: bool,
    as_json: bool,
) -> None:
    """Download datasets, verified, and print their paths.

    A file is kept in the local cache under its sha256, read-only: a second get of the same
    bytes downloads nothing. Nothing is left behind that did not verify.

    Of several references each is tried: a path per line goes to stdout, in their order, and what
    failed to stderr; the exit code is that of the first that failed.
    """
    import pe_dvc

    place = _target(output, several=len(references) > 1)
    if len(references) == 1:
        (reference,) = references
        found = pe_dvc.get(reference, output=place, store=store, offline=offline, progress=True)
        _say_ages(offline, references, store)
        print_json(found) if as_json else _print_paths([found])
        return
    attempts = pe_dvc.get_all(references, output=place, store=store, offline=offline, progress=True)
    failed = [attempt for attempt in attempts if attempt.error]
    _say_ages(offline, [attempt.asked for attempt in attempts if attempt.fetched], store)
    if as_json:
        print_json(attempts)
    else:
        _print_paths([attempt.fetched for attempt in attempts if attempt.fetched])
    _say_failures(failed, of=len(attempts))
    if failed and failed[0].error:
        ctx.exit(exit_code(failed[0].error))


def _say_ages(offline: bool, references: Sequence[str], store: str | None) -> None:
    """Say, offline, how old the channels of each country are that something was read from."""
    by_channels = [one for one in references if "@sha256:" not in one]
    by_country = {one.removeprefix("pe-data://").partition("/")[0]: one for one in by_channels}
    for reference in by_country.values() if offline else ():
        say_age(reference, store)


def _print_paths(files: Sequence[Fetched]) -> None:
    for fetched in files:
        click.echo(fetched.path)


def _say_failures(failed: Sequence[Attempt], *, of: int) -> None:
    """Say what failed: what is the same for several once."""
    said: set[tuple[str, str | None]] = set()
    for attempt in failed:
        error = attempt.error
        if error is not None and (error.message, error.remedy) not in said:
            said.add((error.message, error.remedy))
            say_error(error)
    if failed:
        say(f"{len(failed)} of {of} failed: {', '.join(attempt.asked for attempt in failed)}")


def _target(output: str | None, *, several: bool) -> Path | None:
    """Return where to copy to; what ends in a slash is a directory, made if it is not there."""
    if output is None:
        return None
    path = Path(output)
    if output.endswith("/"):
        path.mkdir(parents=True, exist_ok=True)
    elif several and not path.is_dir():
        raise click.UsageError(
            f"several references need a directory: --output {output}/", click.get_current_context()
        )
    return path
