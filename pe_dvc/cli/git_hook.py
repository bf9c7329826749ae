"""``pe-dvc git-hook``: what the scripts of ``pe-dvc install`` run around a ``git push``."""

from __future__ import annotations

import os
import sys

import click

from pe_dvc.cli.arenas import share_arenas
from pe_dvc.cli.group import Group
from pe_dvc.cli.output import say
from pe_dvc.cli.publish_output import say_pushed, say_uploaded
from pe_dvc.primitives.errors import PeDvcError

process_option = click.option("--process", type=int, help="The id of the git that runs the hook.")


@click.group("git-hook", cls=Group, hidden=True)
def command() -> None:
    """Run pe_dvc's part of a git hook; git calls this, not you."""


@command.command("pre-push")
@process_option
@click.argument("remote", required=False)
@click.argument("url", required=False)
def pre_push(process: int | None, remote: str | None, url: str | None) -> None:
    """Upload data, if the branch that publishes is pushed.

    Reads what git writes to the hook, or the variables of the tool pre-commit.
    """
    from pe_dvc.public.git_hooks import pre_push

    del url
    lines = _of_pre_commit() or sys.stdin.read()
    remote = remote or os.environ.get("PRE_COMMIT_REMOTE_NAME", "origin")
    share_arenas()
    done = pre_push(remote, lines, process)
    if done.note:
        say(done.note)
    if done.uploaded is not None:
        say_uploaded(done.uploaded)
    if done.pushed is not None:
        say_pushed(done.pushed)


@command.command("reference-transaction")
@process_option
def reference_transaction(process: int) -> None:
    """Publish, if the git remote has accepted the branch."""
    from pe_dvc.public.git_hooks import reference_transaction

    share_arenas()
    try:
        pushed = reference_transaction(sys.stdin.read(), process)
    except PeDvcError:
        say("The git remote has the commit, and readers do not get its data: run pe-dvc push.")
        raise
    if pushed is not None:
        say_pushed(pushed)


@command.command("verify")
@click.pass_context
def verify(ctx: click.Context) -> None:
    """Verify the files that are here, and purge caches of what was withdrawn since."""
    from pe_dvc.cli.cache import say_purged
    from pe_dvc.cli.verify import command as verify_command
    from pe_dvc.public.git_hooks import purge_withdrawn

    purged = purge_withdrawn()
    if purged is not None and (purged.cache or purged.dvc or purged.kept):
        say_purged(purged)
    ctx.invoke(verify_command, names=(), present=True, quiet=True, as_json=False)


def _of_pre_commit() -> str:
    """Return what is pushed as git would write it, from what pre-commit says instead; or ''."""
    names = ("LOCAL_BRANCH", "TO_REF", "REMOTE_BRANCH", "FROM_REF")
    values = [os.environ.get(f"PRE_COMMIT_{name}") for name in names]
    return " ".join(value or "0" for value in values) if values[2] else ""
