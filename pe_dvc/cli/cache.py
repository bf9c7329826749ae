"""``pe-dvc cache``: the local cache of verified artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pe_dvc.cli.failures import CHECK_FAILED
from pe_dvc.cli.group import Group
from pe_dvc.cli.output import echo, json_option, print_json, say, store_option
from pe_dvc.primitives.sizes import bytes_text, counted

if TYPE_CHECKING:
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
@click.option(
    "--workspace",
    is_flag=True,
    help="With --revoked: also the files of this checkout, unless they were changed.",
)
@store_option
@json_option
def prune(
    max_size: str | None, revoked: bool, workspace: bool, store: str | None, as_json: bool
) -> None:
    """Remove the artifacts used least recently, down to a size; or those withdrawn.

    With --revoked all that data stewards have withdrawn goes, in a data repo from DVC's cache as
    well. What a process is reading stays.
    """
    from pe_dvc import Cache
    from pe_dvc.primitives.sizes import parse_size

    if revoked and max_size is not None:
        raise click.UsageError("use either --revoked or --max-size")
    if (workspace or store) and not revoked:
        raise click.UsageError("--workspace and --store are for --revoked")
    if revoked:
        _prune_revoked(workspace, store, as_json)
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
