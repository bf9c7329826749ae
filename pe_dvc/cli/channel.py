"""``pe-dvc channel``: the signed pointers of a data repo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pe_dvc.cli.output import json_option, print_json, say

if TYPE_CHECKING:
    from pe_dvc.usecases.channel import RoleStatus


class Counts(click.ParamType[tuple[str, int]]):
    """``ROLE=N``, such as ``next=2``."""

    name = "ROLE=N"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Return the role and the number. Fails as usage for anything else."""
        role, _, count = str(value).partition("=")
        if not role or not count.isdigit() or int(count) < 1:
            self.fail(f"{value!r} is not of the form next=2", param, ctx)
        return role, int(count)


@click.group("channel")
def command() -> None:
    """Sign and inspect the channels latest and next."""


@command.command("init")
@click.option("--country", required=True, help="The country, as in [tool.pe_dvc].")
@click.option(
    "--threshold",
    "thresholds",
    type=Counts(),
    multiple=True,
    help="How many keys must sign a role; 1 unless given. Repeatable.",
)
@click.option(
    "--keys",
    "key_counts",
    type=Counts(),
    multiple=True,
    help="How many keys to make for a role; as its threshold unless given. Repeatable.",
)
@json_option
def init(
    country: str,
    thresholds: tuple[tuple[str, int], ...],
    key_counts: tuple[tuple[str, int], ...],
    as_json: bool,
) -> None:
    """Lay out a country's signed channels and make a key for every role.

    Metadata goes to channels/COUNTRY, for git. Private keys go to PE_DVC_KEYS_DIR (else the
    configuration directory), readable by you alone, and never into a repository.
    """
    from pe_dvc.project import locations
    from pe_dvc.project.channels import init_channels
    from pe_dvc.project.repo import DataRepo

    repo = DataRepo.find()
    repo.check_country(country)
    fingerprint = init_channels(repo, thresholds=dict(thresholds), key_counts=dict(key_counts))
    keys = locations.keys_dir() / country
    if as_json:
        print_json({"country": country, "fingerprint": fingerprint, "keys": str(keys)})
        return
    say(f"metadata     {repo.channels_dir}: commit it")
    say(f"keys         {keys}: move root and targets to a safe place offline")
    say(f"fingerprint  {fingerprint}: publish it, so that readers can check root.json")


@command.command("update")
@click.argument("channel", type=click.Choice(["latest"]))
@json_option
def update(channel: str, as_json: bool) -> None:
    """Point latest at the artifacts of the manifests, and sign it.

    Made to be the command of a stage of `dvc repro`. The version goes up only if a dataset was
    added, removed or changed. Without the channel's key it is written unsigned, for review.
    """
    from pe_dvc.project.channels import update_latest
    from pe_dvc.project.repo import DataRepo

    done = update_latest(DataRepo.find())
    if as_json:
        from dataclasses import asdict

        print_json(asdict(done))
        return
    say(f"{channel} is at version {done.version}{'' if done.changed else ', unchanged'}")
    if done.kept:
        say(f"kept as another publisher has it, until you git pull: {', '.join(done.kept)}")
    for verb, names in (("+", done.added), ("~", done.replaced), ("-", done.removed)):
        for name in names:
            say(f"  {verb} {name}")
    if not done.signed:
        say(
            f"{channel} is NOT signed: {done.missing} signature(s) wanting. Readers cannot see it "
            f"before somebody with a key runs pe-dvc channel sign {channel}."
        )


@command.command("sign")
@click.argument("role")
@json_option
def sign(role: str, as_json: bool) -> None:
    """Add the signatures of the keys at hand to ROLE, such as latest or next."""
    from pe_dvc.project.channels import sign as sign_role
    from pe_dvc.project.repo import DataRepo

    status = sign_role(DataRepo.find(), role)
    if as_json:
        print_json(_plain(status))
    else:
        _print_status(status)


@command.command("status")
@json_option
def status(as_json: bool) -> None:
    """Show who signed each role, who is missing, and when it expires."""
    from pe_dvc.project.channels import status as channel_status
    from pe_dvc.project.repo import DataRepo

    roles = channel_status(DataRepo.find())
    if as_json:
        print_json([_plain(role) for role in roles])
        return
    for role in roles:
        _print_status(role)


def _plain(status: RoleStatus) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(status), "expires": f"{status.expires:%Y-%m-%dT%H:%M:%SZ}"}


def _print_status(status: RoleStatus) -> None:
    signed = f"{len(status.signed_by)} of {status.threshold} signatures"
    wanting = f", {status.missing} wanting" if status.missing else ""
    expiry = "EXPIRED" if status.expired else "expires"
    click.echo(
        f"{status.role:<9} version {status.version:<4} {signed}{wanting}, "
        f"{expiry} {status.expires:%Y-%m-%d}"
    )
    for keyid in status.unsigned_by:
        click.echo(f"{'':<9} not signed by key {keyid}")
