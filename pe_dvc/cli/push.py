"""``pe-dvc push``: publish what this checkout holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pe_dvc.cli.output import json_option, print_json, say, store_option
from pe_dvc.primitives.sizes import bytes_text

if TYPE_CHECKING:
    from pe_dvc.usecases.publish.rebase import Rebased


def _rebased_lines(rebased: Rebased) -> list[str]:
    taken = ", ".join(rebased.taken_over) or "none"
    lines = [f"another publisher was first: {taken} taken over into version {rebased.version}"]
    if rebased.rewritten:
        lines.append(f"commit channels/…/{rebased.channel}.json: it was rewritten")
    if rebased.taken_over:
        lines.append("git pull, to have their manifests here too")
    return lines


@click.command("push")
@store_option
@click.option("--uncommitted", is_flag=True, help="Publish what is not committed to git, too.")
@json_option
def command(store: str | None, uncommitted: bool, as_json: bool) -> None:
    """Publish payloads, manifests and channels, in that order.

    Uploads only what the bucket lacks. The signed pointer comes last, so that readers see the
    old state or the new one, never one between. A push that was cut off is completed by the
    next one.
    """
    from pe_dvc.project.progress_bar import Bars
    from pe_dvc.project.push import push
    from pe_dvc.project.repo import DataRepo

    pushed = push(DataRepo.find(), store=store, uncommitted=uncommitted, reporter=Bars())
    if as_json:
        print_json(pushed.to_json())
        return
    objects, channel = pushed.objects, pushed.channel
    for path in objects.repaired:
        say(f"repaired {path}: the bucket held an object of another size")
    say(
        f"payloads   {len(objects.uploaded)} uploaded ({bytes_text(objects.uploaded_bytes)}), "
        f"{objects.present} already there"
    )
    say(
        f"manifests  {len(objects.manifests)} published, {pushed.unchanged_manifests} already there"
    )
    say(f"channels   {channel.summary}")
    if pushed.rebased:
        for line in _rebased_lines(pushed.rebased):
            say(line)
    say(f"published to {pushed.store}")
