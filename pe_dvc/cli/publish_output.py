"""What ``pe-dvc push`` and ``pe-dvc release push`` share: an option, and what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pe_dvc.cli.output import F, say
from pe_dvc.cli.revoke_output import say_removal
from pe_dvc.primitives.sizes import bytes_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.project.push import Pushed
    from pe_dvc.project.stage import Staged
    from pe_dvc.usecases.publish.channel import PublishedChannels
    from pe_dvc.usecases.publish.objects import PublishedObjects
    from pe_dvc.usecases.publish.rebase import Rebased


def uncommitted_option(function: F) -> F:
    """Add ``--uncommitted``: publish although files are not committed."""
    return click.option(
        "--uncommitted", is_flag=True, help="Publish what is not committed to git, too."
    )(function)


def say_pushed(pushed: Pushed) -> None:
    """Say what a push did."""
    objects = pushed.objects
    say_uploaded(objects)
    say(
        f"manifests  {len(objects.manifests)} published, {pushed.unchanged_manifests} already there"
    )
    say_replaced(pushed.channel.replaced)
    say(f"channels   {pushed.channel.summary}")
    say_waiting(pushed.channel)
    say_rebased(pushed.rebased)
    for name in pushed.withheld:
        say(f"withheld   {name}: it is withdrawn, and was not uploaded")
    if pushed.removal is not None:
        say_removal(pushed.removal)
    say(f"published to {pushed.store}")
    say_seen(pushed.seen)


def say_staged(staged: Staged) -> None:
    """Say what was staged, and what is left to do."""
    say_uploaded(staged.objects)
    there = len(staged.names) - len(staged.objects.manifests)
    say(f"manifests  {len(staged.objects.manifests)} uploaded, {there} already there")
    say(f"staged in {staged.store}: {', '.join(staged.names)}")
    say("no channel points to them yet. Once git has their manifests and DVC's files, where the")
    say("keys are: pe-dvc channel update latest, then commit, and pe-dvc push")


def say_seen(file: str | None) -> None:
    """Say which file a push left to be committed."""
    if file is not None:
        say(f"noted what readers now see, for new clones: git add {file}, and commit")


def say_uploaded(objects: PublishedObjects) -> None:
    """Say what became of the payloads."""
    for path in objects.repaired:
        say(f"repaired {path}: the bucket held an object of another size")
    say(
        f"payloads   {len(objects.uploaded)} uploaded ({bytes_text(objects.uploaded_bytes)}), "
        f"{objects.present} already there"
    )


def say_replaced(keys: Sequence[str]) -> None:
    """Say which objects made way, as today's keys had not signed them."""
    for key in keys:
        say(f"replaced or removed {key}: it was not signed by today's keys")


def say_waiting(channel: PublishedChannels) -> None:
    """Say which roles stayed as they were published, and why."""
    for role, reason in channel.waiting.items():
        say(f"{role} stays as it is published: {reason}")
    for draft, request in channel.drafts.items():
        say(f"{draft} is a draft, and not published: {request}")


def say_rebased(rebased: Rebased | None) -> None:
    """Say what became of ``latest`` where another publisher was first."""
    if rebased is None:
        return
    taken, ours = (", ".join(names) or "none" for names in (rebased.taken_over, rebased.ours))
    if rebased.went_back:
        say(f"{rebased.channel} went back as git did: {ours}, now version {rebased.version}")
        say("pe-dvc channel rollback goes back with a reason that readers see in channel log")
    else:
        say(f"another publisher was first: {taken} taken over into version {rebased.version}")
    if rebased.rewritten:
        say(f"commit channels/…/{rebased.channel}.json: it was rewritten")
    if rebased.taken_over:
        say("git pull, to have their manifests here too; if no publisher of yours made these")
        say("versions, keys were stolen: see pe-dvc channel log, then pe-dvc channel recover")
