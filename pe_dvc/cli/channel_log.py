"""``pe-dvc channel list|show|log|diff``: channels as readers see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pe_dvc.cli.channel_output import review_lines, status_lines
from pe_dvc.cli.failures import CHECK_FAILED
from pe_dvc.cli.group import Command
from pe_dvc.cli.output import echo, json_option, print_json, say, store_option
from pe_dvc.cli.release_output import print_diff
from pe_dvc.primitives.sizes import bytes_text, counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pe_dvc import Channels
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.usecases.channel.log import LogEntry
    from pe_dvc.usecases.channel.logged import Logged

_published = click.option(
    "--published", is_flag=True, help="Show what readers see, not what this branch has of next."
)
_country = click.option("--country", help="The country. Default: the enclosing data repo's.")


@click.command("list", cls=Command)
@_country
@store_option
@json_option
def list_(country: str | None, store: str | None, as_json: bool) -> None:
    """List the bucket's channels, their versions and expiry."""
    from pe_dvc import Channels

    listed = Channels(country, store=store).list()
    if as_json:
        print_json(listed)
        return
    for channel in listed:
        echo(
            f"{channel.country}/{channel.channel:<7} version {channel.version:<4} "
            f"{counted(channel.datasets, 'dataset')}, expires {channel.expires:%Y-%m-%d}"
        )


@click.command("show", cls=Command)
@click.argument("channel")
@_country
@_published
@store_option
@json_option
def show(
    channel: str, country: str | None, published: bool, store: str | None, as_json: bool
) -> None:
    """Show the pointers of CHANNEL.

    CHANNEL is latest, next, a version such as latest:4, or next:published. In a clone whose branch
    has a next that is not published yet, next is that one, with who signed it.
    """
    from pe_dvc import Channels

    channels = Channels(country, store=store, published=published)
    pointers = channels.show(channel)
    _say_pending(channels, channel)
    if as_json:
        print_json(pointers)
        return
    for name, pointer in pointers.items():
        echo(f"{name}  sha256:{pointer.sha256}  {bytes_text(pointer.size)}")
        for sentence in pointer.remarks:
            echo(f"  {sentence}")


def _say_pending(channels: Channels, which: str) -> None:
    """Say of what this branch has that it is not published, what changes, and who signed it."""
    review = channels.pending(which)
    if review is None:
        return
    what = "signed, and not published yet" if review.is_complete else "a DRAFT"
    say(f"{which} {review.status[-1].version} of this branch is {what}:")
    # A signed one is compared with itself: what it changes was said when it was signed.
    for line in status_lines(review.status[-1]) if review.is_complete else review_lines(review):
        say(f"  {line}")
    say(f"  What it changes for readers: pe-dvc diff {which}:published {which}")


@click.command("diff", cls=Command)
@click.argument("before")
@click.argument("after")
@_country
@_published
@store_option
@json_option
def diff(
    before: str,
    after: str,
    country: str | None,
    published: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """Show the changes from BEFORE to AFTER.

    Lists datasets, rows, columns and inputs. BEFORE and AFTER are latest, next, a version such as
    latest:4, or next:published. In a clone whose branch has a next that is not published yet, next
    is that one, and next:published what readers see. `pe-dvc diff` takes the same words and says
    more.
    """
    from pe_dvc import Channels

    channels = Channels(country, store=store, published=published)
    found = channels.diff(before, after)
    for which in (before, after):
        _say_pending(channels, which)
    if as_json:
        print_json(found)
    else:
        print_diff(found)


@click.command("log", cls=Command)
@click.argument("channel", type=click.Choice(["latest", "next", "revoked"]))
@click.option(
    "-n",
    "--last",
    type=click.IntRange(min=1),
    help="Only so many versions, up to the one that readers see. Default: all.",
)
@_country
@store_option
@json_option
@click.pass_context
def log(
    ctx: click.Context,
    channel: str,
    last: int | None,
    country: str | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Show every version of CHANNEL, newest first.

    Shows date, signer, git commit and what changed: of revoked, what was withdrawn and taken back.

    Verifies the chain as it goes: versions without gaps, each validly signed under the root of
    its time, and each proven to be in the log of what was published. The first break is reported,
    and the exit code is then 1. With --last only these versions are read and verified, however many
    there are.
    """
    from pe_dvc import Channels

    found = Channels(country, store=store).log(channel, last=last)
    if as_json:
        print_json(found)
    else:
        for entry in reversed(found.entries):
            _print(entry, found.withdrawn, found.logged)
        for number in found.skipped:
            say(f"version {number} was never published, and git here does not have it either")
    if found.logged is not None:
        _say_logged(found.logged)
    if found.remark is not None:
        say(found.remark)
    if found.broken is not None:
        say(f"the chain is broken: {found.broken.message}")
        say(f"  {found.broken.remedy}")
    if found.broken is not None or (found.logged is not None and found.logged.fault is not None):
        ctx.exit(CHECK_FAILED)


def _say_logged(logged: Logged) -> None:
    for leaf in logged.lost:
        say(
            f"the log has version {leaf.version}, sha256:{leaf.sha256}: the bucket has no such file"
        )
    if logged.fault is not None:
        say(logged.fault)
        say("  Run pe-dvc fsck --repair in the data repo.")
    elif logged.entries:
        proven = counted(len(logged.entries), "version")
        say(f"{proven} proven to be in the log, which has {logged.size} entries")


def _signer(signer: str, names: Mapping[str, str]) -> str:
    short = signer if ":" in signer else signer[:12]
    return f"{names[signer]} ({short})" if signer in names else short


def _print(entry: LogEntry, withdrawn: Mapping[Sha256, str], logged: Logged | None) -> None:
    version, commit = entry.version, entry.commit
    signers = ", ".join(_signer(signer, version.names) for signer in version.signers)
    source = f"  commit {commit.commit[:12]} by {commit.author}" if commit else ""
    echo(
        f"version {version.version}  {version.signed_at:%Y-%m-%d %H:%M}  "
        f"{f'signed by {signers}' if signers else 'NOT SIGNED'}{source}"
    )
    if entry.note:
        echo(f"  ! {entry.note}")
    elif logged is not None and (why_not := logged.why_not(version.version)):
        echo(f"  ! {why_not}")
    changes = (("+", entry.step.added), ("~", entry.step.replaced), ("-", entry.step.removed))
    pointers = version.pointers if entry.note else {}
    for verb, names in changes:
        for name in names:
            echo(
                f"  {verb} {name}{f'  sha256:{pointers[name].sha256}' if name in pointers else ''}"
            )
            pointer = version.pointers.get(name)
            if pointer is None:
                continue
            for sentence in pointer.remarks:
                echo(f"      {sentence}")
            if pointer.sha256 in withdrawn:
                echo(f"      {withdrawn[pointer.sha256]}")
