"""``pe-dvc codebook``: what a model says of its variables, for data repos."""

from __future__ import annotations

from pathlib import Path

import click

from pe_dvc.cli.group import Command, Group
from pe_dvc.cli.output import say
from pe_dvc.primitives.sizes import counted


@click.group("codebook", cls=Group)
def command() -> None:
    """Ask a model what its variables mean."""


@command.command("write", cls=Command)
@click.argument("package")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The file to write.",
)
def write(package: str, output: Path) -> None:
    """Write what a model package says of its variables, as JSON.

    Run it in the environment of the model, where data repos are built in another one. There,
    `model: FILE` in codebook.yaml has `pe-dvc manifest write` read the file. PACKAGE is its name,
    such as policyengine-us.
    """
    import pe_dvc

    found = pe_dvc.write_codebook(package, output)
    say(f"wrote {output}: {counted(len(found.variables), 'variable')} of {package}")
