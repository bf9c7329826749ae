"""What ``pe-dvc push`` and ``pe-dvc release push`` share: an option, and what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pe_dvc.cli.output import F, say

if TYPE_CHECKING:
    from pe_dvc.usecases.publish.rebase import Rebased


def uncommitted_option(function: F) -> F:
    """Add ``--uncommitted``: publish although files are not committed."""
    return click.option(
        "--uncommitted", is_flag=True, help="Publish what is not committed to git, too."
    )(function)


def say_rebased(rebased: Rebased | None) -> None:
    """Say what became of ``latest`` where another publisher was first."""
    if rebased is None:
        return
    taken, ours = (", ".join(names) or "none" for names in (rebased.taken_over, rebased.ours))
    if rebased.went_back:
        say(f"{rebased.channel} went back as git did: {ours}, now version {rebased.version}")
    else:
        say(f"another publisher was first: {taken} taken over into version {rebased.version}")
    if rebased.rewritten:
        say(f"commit channels/…/{rebased.channel}.json: it was rewritten")
    if rebased.taken_over:
        say("git pull, to have their manifests here too")
