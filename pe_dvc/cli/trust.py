"""``pe-dvc trust``: the roots of trust that this user has pinned."""

from __future__ import annotations

from pathlib import Path

import click

from pe_dvc.cli.output import json_option, print_json, say


@click.group("trust")
def command() -> None:
    """Choose whose signatures to believe.

    A country's channels are verified from its root, a file that its maintainers publish and
    that you pin once.
    """


@command.command("add")
@click.argument("country")
@click.argument("root", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--fingerprint", help="Refuse a root whose sha256 is not this one.")
@json_option
def add(country: str, root: Path, fingerprint: str | None, as_json: bool) -> None:
    """Pin ROOT, a root.json, as the root of trust of COUNTRY."""
    from pe_dvc.project.locations import config_dir
    from pe_dvc.trust.pins import pin_root

    pinned = pin_root(config_dir(), country, root.read_bytes(), fingerprint)
    if as_json:
        print_json({"country": country, "fingerprint": pinned})
    else:
        say(f"Trusting {country} by root {pinned}")


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the pinned roots with their fingerprints."""
    from pe_dvc.project.locations import config_dir
    from pe_dvc.trust.pins import list_pins

    pins = list_pins(config_dir())
    if as_json:
        print_json(pins)
    else:
        for country, fingerprint in sorted(pins.items()):
            click.echo(f"{country}  {fingerprint}")


@command.command("remove")
@click.argument("country")
def remove(country: str) -> None:
    """Forget the root of COUNTRY."""
    from pe_dvc.project.locations import config_dir
    from pe_dvc.trust.pins import remove_pin

    remove_pin(config_dir(), country)
    say(f"No longer trusting {country}")
