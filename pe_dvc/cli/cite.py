"""``pe-dvc cite``: how to cite a dataset, with the pin that always means its bytes."""

from __future__ import annotations

import click

from pe_dvc.cli.group import Command
from pe_dvc.cli.output import offline_option, print_lines, say_age, store_option


@click.command("cite", cls=Command)
@click.argument("reference")
@click.option("--bibtex", is_flag=True, help="An entry for BibTeX.")
@store_option
@offline_option
def command(reference: str, bibtex: bool, store: str | None, offline: bool) -> None:
    """Print how to cite a dataset.

    What the data repo declares as its citation comes first. The pin at the end always means the
    same bytes, whatever the channel points to later.
    """
    import pe_dvc

    text = pe_dvc.cite(reference, bibtex=bibtex, store=store, offline=offline)
    if offline:
        say_age(reference, store)
    print_lines(text)
