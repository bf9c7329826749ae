"""``pe-dvc channel promote``: nominating datasets for ``next``."""

from __future__ import annotations

import click

from pe_dvc.cli.channel_output import say_update
from pe_dvc.cli.group import Command
from pe_dvc.cli.output import echo, json_option, print_json, say, store_option
from pe_dvc.primitives.sizes import counted


@click.command("promote", cls=Command)
@click.argument("source", metavar="SOURCE")
@click.argument("target", metavar="next", type=click.Choice(["next"]))
@click.argument("names", nargs=-1, metavar="[NAME…]")
@click.option(
    "--override",
    metavar="REASON",
    help="Nominate in spite of failed gates; the reason is signed, so name no values in it.",
)
@click.option(
    "--report",
    type=click.Choice(["markdown"]),
    help="Print what every gate found as Markdown, for a pull request; also if one fails.",
)
@store_option
@json_option
def promote(
    source: str,
    target: str,
    names: tuple[str, ...],
    override: str | None,
    report: str | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Nominate datasets of SOURCE for certification.

    All datasets, or those named. SOURCE is latest, an earlier version such as latest:12,
    @sha256:… of one dataset, or a published release.

    Runs the gates of each (meta.pe.gates in dvc.yaml), then writes next and signs it with the
    reviewers' keys of this machine. If signatures are missing, other reviewers add theirs with
    pe-dvc channel sign next.
    """
    from pe_dvc import Repo
    from pe_dvc.primitives.errors import GateError

    try:
        promoted = Repo().channel.promote(
            names, source=source, override=override, store=store, progress=True
        )
    except GateError as error:
        if report:
            for line in error.results.to_markdown():
                echo(line)
        raise
    if report:
        for line in promoted.judged.results.to_markdown():
            echo(line)
    if as_json:
        print_json(promoted)
        return
    judged = promoted.judged
    passed = [name for name in judged.checked if name not in judged.failed]
    if not judged.pointers:
        say(f"{source} has no dataset")
    elif not judged.checked:
        say("no gate was run: next has these datasets already")
    else:
        say(f"gates passed by {len(passed)} of {counted(len(judged.checked), 'dataset')}")
    if judged.failed:
        say(f"gates FAILED for {', '.join(judged.failed)}, nominated anyway: {override}")
    for failure in judged.overridden:
        say(f"  {failure}")
    say_update(promoted.update)
