"""``pe-dvc init``: from a git repo to a country's data repo."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

import click

from pe_dvc.cli.add import say_added
from pe_dvc.cli.group import Command
from pe_dvc.cli.import_hub import say_imported
from pe_dvc.cli.output import json_option, print_json, say
from pe_dvc.primitives.errors import PeDvcError
from pe_dvc.primitives.sizes import counted

if TYPE_CHECKING:
    from pe_dvc.project.init import Initialized

_QUESTIONS = {
    "country": "Country, such as us; with one of its producers, such as uk-microcosm",
    "store": "Store: s3://…, gs://… or a directory outside this repo",
}
_SHOWN = 5


@click.command("init", cls=Command)
@click.option("--country", help="The country, such as us, or one with its producer, uk-microcosm.")
@click.option(
    "--store",
    metavar="URL",
    help="The bucket: s3://…, gs://… or a directory outside the repo.",
)
@click.option("--contact", help="Whom readers ask for access to the data.")
@click.option("--subdir", is_flag=True, help="Set up this directory, not the whole git repo.")
@click.option("--no-channels", is_flag=True, help="Make no keys and channels: channel init does.")
@click.option("--no-hooks", is_flag=True, help="Add no git hooks: install does.")
@click.option("--no-workflows", is_flag=True, help="Write no GitHub workflows.")
@click.option("--from-hf", metavar="URI", help="Import a release, and make the git repo.")
@json_option
def command(
    country: str | None,
    store: str | None,
    contact: str | None,
    subdir: bool,
    no_channels: bool,
    no_hooks: bool,
    no_workflows: bool,
    from_hf: str | None,
    as_json: bool,
) -> None:
    """Set up a git repo as a country's data repo.

    Runs dvc init, and writes [tool.pe_dvc] of pyproject.toml, the stages of dvc.yaml, a DVC
    remote, .gitignore, .gitattributes, signed channels with their keys, git hooks and GitHub
    workflows. At a terminal it asks for what is not given, and whether to declare the data files
    that it finds. What is there already is kept, so that it can be run again.

    With --from-hf it makes an index of data that is built elsewhere: also a git repo where there is
    none, the datasets of a release on Hugging Face's hub, and a workflow that takes each next one.
    """
    from pe_dvc import Repo

    done = Repo().init(
        country,
        store=store,
        contact=contact,
        subdir=subdir,
        channels=not no_channels,
        hooks=not no_hooks,
        workflows=not no_workflows,
        from_hf=from_hf,
        ask=_ask,
    )
    if as_json:
        print_json(done)
        return
    _say_written(done)
    say_imported(done.imported)
    declared = bool(done.imported) or _offer(done)
    _say_next(done, declared=declared)


def _ask(name: str, likely: str | None) -> str:
    if not sys.stdin.isatty():
        raise click.UsageError(f"--{name} is missing, and there is no terminal to ask at.")
    answer: str = click.prompt(_QUESTIONS[name], default=likely, err=True)
    return answer


def _say_written(done: Initialized) -> None:
    for path in done.written:
        say(f"wrote        {path}")
    if done.hooks is not None:
        say(f"git hooks    {done.hooks.directory}; they also run those in {done.hooks.earlier}")
    for path, reason in done.skipped.items():
        say(f"not written  {path}: {reason}")
    if done.channels is not None:
        say(f"keys         {done.channels.keys}: move root and targets to a safe place offline")
        say(f"fingerprint  {done.channels.fingerprint}: publish it for readers")
    if not (done.written or done.hooks):
        say(f"nothing to change: a data repo of {done.country}, published to {done.store}")


def _offer(done: Initialized) -> bool:
    """At a terminal, declare the data files that were found, if that is wanted."""
    from pe_dvc import Repo

    if not done.found or not sys.stdin.isatty():
        return False
    for path in done.found[:_SHOWN]:
        say(f"found        {path}")
    if len(done.found) > _SHOWN:
        say(f"             and {counted(len(done.found) - _SHOWN, 'more data file')}")
    if not click.confirm("Declare them as datasets?", default=False, err=True):
        return False
    try:
        added = Repo(done.root).add([done.root / path for path in done.found])
    except PeDvcError as error:  # the repo is set up all the same
        say(f"not declared {error.message}")
        return False
    say_added(added)
    return True


def _say_next(done: Initialized, *, declared: bool) -> None:
    shown = [shlex.quote(os.path.relpath(done.root / path)) for path in done.found[:_SHOWN]]
    if not declared:
        say(f"next         pe-dvc add {' '.join(shown) or 'FILE…'}")
    if not declared and len(done.found) > _SHOWN:
        say(f"             and {counted(len(done.found) - _SHOWN, 'more data file')}")
    say('then         dvc repro && git add -A && git commit -m "Set up pe_dvc" && pe-dvc push')
