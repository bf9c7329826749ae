"""``pe-dvc ls``: which datasets a country's channels have, and which releases there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import click

from pe_dvc.cli.group import Command
from pe_dvc.cli.output import (
    echo,
    json_option,
    offline_option,
    print_json,
    say,
    say_age,
    store_option,
)
from pe_dvc.primitives.sizes import bytes_text, counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pe_dvc.usecases.read.ls import Listed, ListedRelease

SHOWN_TABLES = 2


@click.command("ls", cls=Command)
@click.argument("country", required=False)
@click.option("--releases", is_flag=True, help="List the published releases instead.")
@store_option
@offline_option
@json_option
def command(
    country: str | None, releases: bool, store: str | None, offline: bool, as_json: bool
) -> None:
    """List the datasets in a country's channels.

    COUNTRY is its code, such as us. For each dataset: its reference, the size of the file, when and
    where it was built, the rows of its tables, and below that the pin, which always means the
    same bytes. With --releases: each release, its state, and what it has. No payload is read.
    """
    import pe_dvc

    country = country or _missing_country()
    if releases:
        _show_releases(pe_dvc.releases(country, store=store, offline=offline), as_json)
    else:
        listed = pe_dvc.ls(country, store=store, offline=offline)
        _show_datasets(listed, offline, as_json)
    if offline:
        say_age(country, store)


def _missing_country() -> NoReturn:
    from pe_dvc import TrustedRoots

    pinned = list(TrustedRoots().fingerprints()) or ["us"]
    raise click.UsageError(
        f"Missing argument 'COUNTRY', such as in pe-dvc ls {pinned[0]}",
        click.get_current_context(),
    )


def _show_datasets(listed: Sequence[Listed], offline: bool, as_json: bool) -> None:
    from pe_dvc.primitives.reference import CHANNELS

    for channel in CHANNELS:
        if not any(entry.channel == channel for entry in listed):
            say(f"no dataset in {channel}{', as far as this machine has read it' * offline}")
    if as_json:
        print_json(listed)
        return
    width = max((len(entry.reference) for entry in listed), default=0)
    for entry in listed:
        date = entry.built_at[:10] if entry.built_at else "not dated"
        built = f"{date:<10}  {entry.built_in or '':<5}"
        line = f"{entry.reference:<{width}}  {bytes_text(entry.size):>9}  {built}  "
        echo(f"{line}{_rows(entry.rows)}".rstrip())
        for text in (entry.pinned, *entry.remarks):
            echo(f"    {text}")
        if entry.problem and not offline:
            say(f"{entry.reference}: {entry.problem}")


def _rows(rows: Mapping[str, int]) -> str:
    """Return how many rows the largest tables have."""
    largest = sorted(rows.items(), key=lambda table: -table[1])
    shown = ", ".join(f"{count:,} {name}" for name, count in largest[:SHOWN_TABLES])
    more = len(largest) - SHOWN_TABLES
    return f"{shown} and {counted(more, 'table')} more" if more > 0 else shown


def _show_releases(releases: Sequence[ListedRelease], as_json: bool) -> None:
    if as_json:
        print_json(releases)
        return
    if not releases:
        say("no release is published")
    for one in releases:
        made = f"{(one.created_at or '-')[:10]:<10}"
        echo(f"{one.tag:<16}  {one.state:<10}  {made}  {', '.join(one.datasets)}".rstrip())
        for text in (one.reason, *(f"certified by {bundle}" for bundle in one.bundles)):
            if text:
                echo(f"    {text}")
        if one.problem:
            say(f"{one.tag}: {one.problem}")
