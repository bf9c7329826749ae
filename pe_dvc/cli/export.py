"""``pe-dvc export``: a table of a dataset for Stata, SPSS and others, with labels."""

from __future__ import annotations

from pathlib import Path

import click

from pe_dvc.cli.group import Command
from pe_dvc.cli.output import (
    echo,
    json_option,
    offline_option,
    print_json,
    say,
    say_age,
    store_option,
)


@click.command("export", cls=Command)
@click.argument("reference")
@click.option(
    "--to",
    "-o",
    "to",
    type=click.Path(path_type=Path),
    required=True,
    help="The file to write: .dta (Stata), .sav (SPSS), .csv or .parquet.",
)
@click.option("--table", help="Which table, of a dataset that has several.")
@click.option("--period", help="Which period, of a table that has several, such as 2024.")
@click.option("--column", "columns", multiple=True, help="Only this column; can be repeated.")
@store_option
@offline_option
@json_option
def command(
    reference: str,
    to: Path,
    table: str | None,
    period: str | None,
    columns: tuple[str, ...],
    store: str | None,
    offline: bool,
    as_json: bool,
) -> None:
    """Write a dataset's table for other programs, with labels.

    Variables and values are labelled from the codebook in .dta and .sav; in .parquet labels are
    metadata of the fields. .csv and .parquet are written a part at a time; .dta and .sav need the
    table in memory, and the extra pe_dvc[export].
    """
    import pe_dvc

    found = pe_dvc.export(
        reference,
        to,
        table=table,
        period=period,
        columns=columns,
        store=store,
        offline=offline,
        progress=True,
    )
    if offline:
        say_age(reference, store)
    for old, new in found.renamed.items():
        say(f"{old} is called {new} there")
    print_json(found) if as_json else echo(found.path)
    say(f"wrote {found.rows:,} rows of {found.columns} columns of {found.table}")
