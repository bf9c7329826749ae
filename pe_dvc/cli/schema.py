"""``pe-dvc schema``: the published JSON Schemas of the documents."""

from __future__ import annotations

import click

from pe_dvc.cli.group import Command
from pe_dvc.cli.output import print_json


@click.command("schema", cls=Command)
@click.argument("document", type=click.Choice(["manifest"]))
def command(document: str) -> None:
    """Print the JSON Schema of a document."""
    import pe_dvc

    print_json(pe_dvc.schema(document))
