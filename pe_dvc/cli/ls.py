"""``pe-dvc ls``: which datasets a country's channels have."""

from __future__ import annotations

import click

from pe_dvc.cli.output import (
    echo,
    json_option,
    offline_option,
    print_json,
    say,
    say_age,
    store_option,
)
from pe_dvc.primitives.sizes import bytes_text


@click.command("ls")
@click.argument("country")
@store_option
@offline_option
@json_option
def command(country: str, store: str | None, offline: bool, as_json: bool) -> None:
    """List the datasets in a country's channels.

    COUNTRY is its code, such as us. Each line is a reference, the size of the file and the
    sha256 that the reference means now. Reads signed metadata only.
    """
    import pe_dvc
    from pe_dvc.primitives.reference import CHANNELS

    listed = pe_dvc.ls(country, store=store, offline=offline)
    if offline:
        say_age(country, store)
    for channel in CHANNELS:
        if not any(entry.channel == channel for entry in listed):
            say(f"no dataset in {channel}{', as far as this machine has read it' * offline}")
    if as_json:
        print_json(listed)
        return
    width = max((len(entry.reference) for entry in listed), default=0)
    for entry in listed:
        size = bytes_text(entry.size)
        echo(f"{entry.reference:<{width}}  {size:>9}  sha256:{entry.sha256}")
