"""``pe-dvc trust``: the roots of trust that this user has pinned."""

from __future__ import annotations

from pathlib import Path

import click

from pe_dvc.cli.group import Group
from pe_dvc.cli.output import echo, json_option, print_json, say, store_option


@click.group("trust", cls=Group)
def command() -> None:
    """Manage pinned roots of trust.

    A country's channels are verified from its root, a file that its maintainers publish and
    that you pin once.
    """


@command.command("add")
@click.argument("country")
@click.argument("root", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option("--fingerprint", help="Refuse a root whose sha256 is not this one.")
@click.option(
    "--from-store",
    is_flag=True,
    help="Take the bucket's first root; check its fingerprint by other means.",
)
@click.option(
    "--seen",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Refuse data older than this file says: of channels/COUNTRY/seen, or a release manifest.",
)
@store_option
@json_option
def add(
    country: str,
    root: Path | None,
    fingerprint: str | None,
    from_store: bool,
    seen: Path | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Pin ROOT, a root.json, as the root of trust of COUNTRY.

    Where a directory seen/ lies beside ROOT, as in a data repo, its newest file is kept as well.

    With --from-store and no --fingerprint the bucket is trusted on first use: an attacker who can
    write to it could give you another root. After that it cannot.
    """
    if root is None and country.endswith(".json"):
        raise click.UsageError(f"The country comes first: pe-dvc trust add us {country}")
    if (root is None) != from_store:
        raise click.UsageError(
            f"Give a root.json (channels/{country}/root.json of the data repo), or --from-store."
        )
    from pe_dvc import TrustedRoots

    pinned = TrustedRoots().add(country, root, fingerprint=fingerprint, store=store, seen=seen)
    if as_json:
        print_json(pinned)
        return
    say(f"Trusting {country} by root {pinned.fingerprint}")
    _say_seen(pinned.seen)
    if from_store and fingerprint is None:
        say("Not verified: compare this fingerprint with what a maintainer tells you.")


@command.command("show")
@click.argument("country")
@click.option(
    "--export",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write root.json and seen/ into this directory, for another machine.",
)
@store_option
@json_option
def show(country: str, export: Path | None, store: str | None, as_json: bool) -> None:
    """Show the pinned root of COUNTRY, and what was last seen published.

    Two people who see a log of the same size must see the same root.
    """
    from pe_dvc import TrustedRoots

    pinned = TrustedRoots().show(country, store=store, export=export)
    if as_json:
        print_json(pinned)
        return
    echo(f"root  {pinned.fingerprint}")
    echo(f"seen  {pinned.seen or 'nothing yet'}")
    if pinned.log is not None:
        which = "" if pinned.log["number"] == 1 else f" of log {pinned.log['number']}"
        echo(f"log   {pinned.log['size']} entries{which}, root {pinned.log['root']}")
    if export is not None:
        say(f"wrote {export / 'root.json'} and what was seen, for another machine")


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the pinned roots with their fingerprints."""
    from pe_dvc import TrustedRoots

    pins = TrustedRoots().fingerprints()
    if as_json:
        print_json(pins)
    else:
        for country, fingerprint in pins.items():
            echo(f"{country}  {fingerprint}")


@command.command("remove")
@click.argument("country")
def remove(country: str) -> None:
    """Forget the root of COUNTRY."""
    from pe_dvc import TrustedRoots

    TrustedRoots().remove(country)
    say(f"No longer trusting {country}")


def _say_seen(version: int | None) -> None:
    if version is not None:
        say(f"Nothing older is read than what was published as version {version}")
