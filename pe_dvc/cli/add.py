"""``pe-dvc add``: from files to datasets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pe_dvc.cli.group import Command
from pe_dvc.cli.output import json_option, print_json, say
from pe_dvc.primitives.sizes import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.project.add import Added

_SHOWN = 5


class Assignment(click.ParamType[tuple[str, str]]):
    """Two words joined by ``=``, such as ``person=person_id``."""

    def __init__(self, form: str) -> None:
        self.name = form

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Return both words. Fails as usage for anything else."""
        one, _, other = str(value).partition("=")
        if not one or not other or ("." in self.name and one.count(".") != 1):
            self.fail(f"{value!r} is not of the form {self.name}", param, ctx)
        return one, other


@click.command("add", cls=Command)
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path)
)
@click.option("--name", help="The dataset's name; of many files with {stem}: 'states/{stem}'.")
@click.option("--kind", help="What it is, such as microdata, weights or diagnostics.")
@click.option("--rows", metavar="ENTITY", help="What one row of a single table stands for.")
@click.option(
    "--entity",
    "entities",
    type=Assignment("ENTITY=KEY"),
    multiple=True,
    help="An entity and its key column. Repeatable.",
)
@click.option(
    "--reference",
    "references",
    type=Assignment("ENTITY.OTHER=COLUMN"),
    multiple=True,
    help="The column by which an entity refers to another. Repeatable.",
)
@click.option(
    "--column",
    "columns",
    type=Assignment("COLUMN=ENTITY"),
    multiple=True,
    help="A column that describes an entity other than the row's. Repeatable.",
)
@click.option("--weight", metavar="COLUMN", help="The column of survey weights.")
@click.option("--vintage", help="The label of the survey data that it is built from.")
@click.option("--desc", help="One line for people.")
@click.option("--each", is_flag=True, help="Make each file of a directory a dataset.")
@json_option
def command(
    files: tuple[Path, ...],
    name: str | None,
    kind: str | None,
    rows: str | None,
    entities: tuple[tuple[str, str], ...],
    references: tuple[tuple[str, str], ...],
    columns: tuple[tuple[str, str], ...],
    weight: str | None,
    vintage: str | None,
    desc: str | None,
    each: bool,
    as_json: bool,
) -> None:
    """Declare files as datasets, and track them.

    A directory is one dataset, too. Guesses what is not given from the names of columns
    (person_id, person_household_id, household_weight …), tries it on the file, and says what it
    guessed. Runs dvc add, unless a stage makes the file or DVC tracks it already, and adds the file
    to the deps of the stage that writes manifests.
    """
    from pe_dvc import Repo

    between: dict[str, dict[str, str]] = {}
    for pair, column in references:
        entity, _, other = pair.partition(".")
        between.setdefault(entity, {})[other] = column
    added = Repo().add(
        files,
        name=name,
        kind=kind,
        rows=rows,
        entities=dict(entities),
        references=between,
        columns=dict(columns),
        weight=weight,
        vintage=vintage,
        desc=desc,
        each=each,
    )
    if as_json:
        print_json(added)
        return
    say_added(added)
    if any(one.changed for one in added):
        say('next      dvc repro && git add -A && git commit -m "Add data" && pe-dvc push')


def say_added(added: Sequence[Added]) -> None:
    """Say what was declared, and what of it was guessed."""
    for one in added[:_SHOWN]:
        _say(one)
    if len(added) > _SHOWN:
        say(f"and {counted(len(added) - _SHOWN, 'more file')}: see artifacts in dvc.yaml")


def _say(one: Added) -> None:
    if not one.changed:
        say(f"unchanged {one.name}  {one.path}")
        return
    how = ", tracked by dvc add" if one.tracked == "dvc add" else ", which DVC tracks"
    say(f"added     {one.name}  {one.path}{how}")
    for line in one.guessed:
        say(f"guessed   {line}")
