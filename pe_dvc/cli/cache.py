"""``pe-dvc cache``: the local cache of verified artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pe_dvc.cli.failures import CHECK_FAILED
from pe_dvc.cli.group import Group
from pe_dvc.cli.output import echo, json_option, print_json, say, store_option
from pe_dvc.primitives.sizes import bytes_text, counted

if TYPE_CHECKING:
    from pe_dvc.project.expired import Expired
    from pe_dvc.usecases.purge import Purged


@click.group("cache", cls=Group)
def command() -> None:
    """List, verify and prune the local cache."""


@command.command("dir")
@json_option
def dir_(as_json: bool) -> None:
    """Print the cache's directory. PE_DVC_CACHE_DIR sets it."""
    from pe_dvc import Cache

    directory = Cache().directory
    if as_json:
        print_json({"dir": directory})
    else:
        echo(directory)


@command.command("ls")
@json_option
def ls(as_json: bool) -> None:
    """List what is in the cache, least recently used first.

    A partial artifact is what ranged reads, or a download that broke off, have brought so far.
    """
    from pe_dvc import Cache

    found = Cache().entries()
    if as_json:
        print_json(found)
        return
    for entry in found:
        echo(
            f"sha256:{entry.sha256}  {entry.state:<7}  {bytes_text(entry.size):>9}  "
            f"{_time(entry.used)}"
        )
    say(f"{counted(len(found), 'artifact')}, {bytes_text(sum(entry.size for entry in found))}")


@command.command("verify")
@json_option
@click.pass_context
def verify(context: click.Context, as_json: bool) -> None:
    """Hash every artifact in the cache; remove those altered.

    Exits with 1 if there was one. Parts are not hashed here, but whenever they are read.
    """
    from pe_dvc import Cache

    checked = Cache().verify()
    if as_json:
        print_json(checked)
    for entry in checked:
        if entry.altered:
            say(f"altered, removed: {entry.path}")
    say(f"{counted(len(checked), 'artifact')} hashed")
    if any(entry.altered for entry in checked):
        context.exit(CHECK_FAILED)


@command.command("prune")
@click.option(
    "--max-size",
    metavar="SIZE",
    help="What may stay, such as 20GB; 0 for nothing. Default: PE_DVC_CACHE_LIMIT.",
)
@click.option("--revoked", is_flag=True, help="Remove what was withdrawn, whatever its size.")
@click.option("--expired", is_flag=True, help="Remove what a grant that ended gave you.")
@click.option(
    "--workspace",
    is_flag=True,
    help="With --revoked or --expired: also the files of this checkout, unless they were changed.",
)
@click.option("--dvc-cache", is_flag=True, help="With --expired: also from DVC's cache here.")
@click.option(
    "--no-other-copies",
    is_flag=True,
    help="With --expired: state that you have no copies elsewhere either.",
)
@store_option
@json_option
@click.pass_context
def prune(
    context: click.Context,
    max_size: str | None,
    revoked: bool,
    expired: bool,
    workspace: bool,
    dvc_cache: bool,
    no_other_copies: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """Remove the artifacts used least recently, or those withdrawn, or expired.

    With --revoked all that data stewards have withdrawn goes, in a data repo from DVC's cache as
    well. With --expired goes what your grants gave you that have ended, and the gateway gets a
    signed statement of it. What a process is reading stays.
    """
    from pe_dvc import Cache
    from pe_dvc.primitives.sizes import parse_size

    if sum((revoked, expired, max_size is not None)) > 1:
        raise click.UsageError("use one of --revoked, --expired and --max-size")
    if (workspace or store) and not (revoked or expired):
        raise click.UsageError("--workspace and --store are for --revoked and --expired")
    if (dvc_cache or no_other_copies) and not expired:
        raise click.UsageError("--dvc-cache and --no-other-copies are for --expired")
    if revoked:
        _prune_revoked(workspace, store, as_json)
        return
    if expired:
        done = Cache().prune_expired(
            dvc_cache=dvc_cache, workspace=workspace, no_other_copies=no_other_copies, store=store
        )
        if as_json:
            print_json(done)
        say_expired(done)
        if done.in_use or done.unsent:
            context.exit(CHECK_FAILED)
        return
    cache = Cache()
    if max_size is None and cache.limit is None:
        raise click.UsageError("use --max-size, or set PE_DVC_CACHE_LIMIT")
    limit = None if max_size is None else parse_size(max_size, where="--max-size")
    removed = cache.prune(limit)
    if as_json:
        print_json(removed)
    say(
        f"removed {counted(len(removed), 'artifact')}, "
        f"{bytes_text(sum(entry.size for entry in removed))}"
    )


def say_expired(done: Expired) -> None:
    """Say what left this machine, what is still here, and what was stated of it."""
    for entry in done.in_use:
        say(f"in use, NOT REMOVED: {entry.path}")
    for path in done.kept:
        say(f"the grant ended, not removed without --workspace, or changed: {path}")
    for md5 in done.kept_dvc:
        say(f"the grant ended, not removed from DVC's cache without --dvc-cache: {md5}")
    say(
        f"removed {counted(len(done.cache), 'artifact')} and "
        f"{counted(done.documents, 'document')} of the cache, "
        f"{counted(len(done.dvc), 'object')} of DVC's cache, "
        f"{counted(len(done.workspace), 'file')} of the workspace"
    )
    for one in done.stated:
        where = "to be sent by the next run" if one.entry is None else f"entry {one.entry}"
        say(f"stated for the grant {one.grant}: {counted(one.files, 'file')} deleted ({where})")
    for reason in done.unsent:
        say(f"NOT SENT: {reason}")
    if not done.ended:
        say("none of your grants has ended")


def _prune_revoked(workspace: bool, store: str | None, as_json: bool) -> None:
    from pe_dvc import Cache

    purged = Cache().prune_revoked(workspace=workspace, store=store)
    if as_json:
        print_json(purged)
    say_purged(purged)


def say_purged(purged: Purged) -> None:
    """Say what of the withdrawn data left this machine, and what is still here."""
    for entry in purged.in_use:
        say(f"in use, not removed: {entry.path}")
    for path in purged.changed:
        say(f"changed here, not removed: {path}")
    for path in purged.kept:
        say(f"withdrawn, not removed without --workspace: {path}")
    for md5 in purged.shared:
        say(f"other data of this repo has it, too, not removed from DVC's cache: {md5}")
    for path in purged.unlisted:
        say(f"withdrawn, and which files it had is not known here any more, NOT REMOVED: {path}")
    say(
        f"removed {counted(len(purged.cache), 'artifact')} of the cache, "
        f"{counted(len(purged.dvc), 'object')} of DVC's cache, "
        f"{counted(len(purged.workspace), 'file')} of the workspace"
    )


def _time(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
