"""``pe-dvc get``: a verified file from a reference."""

from __future__ import annotations

from pathlib import Path

import click

from pe_dvc.cli.output import (
    json_option,
    offline_option,
    print_json,
    say_age,
    store_option,
)


@click.command("get")
@click.argument("reference")
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    help="Also copy the file here; a directory, or what ends in /, keeps the file's name, or for "
    "@sha256: the dataset's.",
)
@store_option
@offline_option
@json_option
def command(
    reference: str, output: str | None, store: str | None, offline: bool, as_json: bool
) -> None:
    """Download datasets, verified, and print their paths.

    The file is kept in the local cache under its sha256, read-only: a second get of the same
    bytes downloads nothing. Nothing is left behind that did not verify.
    """
    import pe_dvc

    fetched = pe_dvc.get(
        reference, output=_target(output), store=store, offline=offline, progress=True
    )
    if offline:
        say_age(reference, store)
    if as_json:
        print_json(fetched)
    else:
        click.echo(fetched.path)


def _target(output: str | None) -> Path | None:
    """Return where to copy to; what ends in a slash is a directory, made if it is not there."""
    if output is None:
        return None
    path = Path(output)
    if output.endswith("/"):
        path.mkdir(parents=True, exist_ok=True)
    return path
