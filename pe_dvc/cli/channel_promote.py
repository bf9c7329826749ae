"""``pe-dvc channel promote`` and what belongs to a review of ``next``."""

from __future__ import annotations

import click

from pe_dvc.cli.channel_output import say_update
from pe_dvc.cli.output import json_option, print_json, say, store_option


@click.command("promote")
@click.argument("source", metavar="latest", type=click.Choice(["latest"]))
@click.argument("target", metavar="next", type=click.Choice(["next"]))
@click.argument("names", nargs=-1, metavar="[NAME…]")
@click.option(
    "--override", metavar="REASON", help="Nominate in spite of failed gates; the reason is signed."
)
@store_option
@json_option
def promote(
    source: str,
    target: str,
    names: tuple[str, ...],
    override: str | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Nominate datasets of latest for certification: all, or those named.

    Runs the gates of each (meta.pe.gates in dvc.yaml), then writes next and signs it with the
    reviewers' keys of this machine. If signatures are missing, other reviewers add theirs with
    pe-dvc channel sign next.
    """
    from dataclasses import asdict

    from pe_dvc.project.channel_promote import promote as promote_datasets
    from pe_dvc.project.progress_bar import Bars
    from pe_dvc.project.repo import DataRepo

    judged, update = promote_datasets(
        DataRepo.find(), names, override=override, store=store, reporter=Bars()
    )
    if as_json:
        overridden = [str(failure) for failure in judged.overridden]
        print_json({**asdict(update), "checked": list(judged.checked), "overridden": overridden})
        return
    say(f"gates passed by {len(judged.checked)} dataset(s)")
    for failure in judged.overridden:
        say(f"  overridden: {failure}")
    say_update(update)


@click.command("adopt")
@click.argument("role")
@store_option
def adopt(role: str, store: str | None) -> None:
    """Write the published version of ROLE, such as latest, into the work tree.

    For a publisher that died before its commit was pushed. The version is verified first. Then
    run dvc repro, commit, and push.
    """
    from pe_dvc.project.channel import adopt as adopt_role
    from pe_dvc.project.repo import DataRepo

    repo = DataRepo.find()
    version = adopt_role(repo, repo.open_store(store), role)
    if version is None:
        say(f"nothing to adopt: {role} is already as published, or newer")
    else:
        say(f"adopted {role} version {version}: commit it")
