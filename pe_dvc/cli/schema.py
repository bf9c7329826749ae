"""``pe-dvc schema``: the published JSON Schemas of the documents."""

from __future__ import annotations

import click

from pe_dvc.cli.output import print_json


@click.command("schema")
@click.argument("document", type=click.Choice(["manifest"]))
def command(document: str) -> None:
    """Print the JSON Schema of a document."""
    from pe_dvc.documents.manifest import Manifest

    schema = Manifest.model_json_schema(mode="validation")
    print_json({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
