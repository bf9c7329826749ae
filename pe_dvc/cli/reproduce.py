"""``pe-dvc reproduce``: does a build give again what was published?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pe_dvc.cli.failures import CHECK_FAILED, answers_by_exit_code
from pe_dvc.cli.group import Command
from pe_dvc.cli.output import echo, json_option, print_json

if TYPE_CHECKING:
    from pe_dvc.project.reproduce import Reproduced


@click.command("reproduce", cls=Command)
@click.argument("name")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the file that was built, here.",
)
@click.option("--dirty", is_flag=True, help="Try it also of a build of uncommitted changes.")
@json_option
@click.pass_context
def command(ctx: click.Context, name: str, output: Path | None, dirty: bool, as_json: bool) -> None:
    """Build a dataset again from its recorded inputs, and compare.

    The commit that holds its manifest is checked out in a work tree of its own, raw inputs come
    from DVC's cache, and the stages run in this environment. Says whether the bytes agree, else
    whether the values do, and where they first differ. Runs the code of the repo.
    """
    from pe_dvc import Repo

    with answers_by_exit_code(ctx):
        found = Repo().reproduce(name, output=output, dirty=dirty, progress=True)
        if as_json:
            print_json(found)
        else:
            _print(found)
        if found.verdict == "different":
            ctx.exit(CHECK_FAILED)


def _print(found: Reproduced) -> None:
    stages = ", ".join(found.stages)
    echo(f"{found.verdict:<10} {found.name} of commit {found.commit[:12]}, by {stages}")
    if found.verdict == "same bytes":
        return
    echo(f"  recorded sha256:{found.expected}")
    echo(f"  rebuilt  sha256:{found.actual}")
    if found.first_difference is not None:
        echo(f"  the first output that is another: {found.first_difference}")
    for package, (was, now) in found.environment.items():
        echo(f"  {package} was {was}, here {now}")
    for line in found.changes.to_text():
        echo(f"  {line}")
