"""``pe-dvc channel``: the signed pointers of a data repo."""

from __future__ import annotations

import click

from pe_dvc.cli.channel_adopt import adopt
from pe_dvc.cli.channel_hold import hold, release_hold
from pe_dvc.cli.channel_keys import keys
from pe_dvc.cli.channel_log import diff, list_, log, show
from pe_dvc.cli.channel_output import say_drafts, say_update
from pe_dvc.cli.channel_promote import promote
from pe_dvc.cli.channel_recover import recover
from pe_dvc.cli.channel_rollback import rollback
from pe_dvc.cli.channel_sign import renew, sign
from pe_dvc.cli.channel_status import status
from pe_dvc.cli.channel_witnesses import witnesses
from pe_dvc.cli.group import Group
from pe_dvc.cli.output import json_option, print_json, say, store_option
from pe_dvc.cli.publish_output import say_seen
from pe_dvc.cli.role_values import Counts, RoleValue, by_role


@click.group("channel", cls=Group)
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
    help="How many keys to make for a role, also beside others' keys; as its threshold unless "
    "given. Repeatable.",
)
@click.option(
    "--signer",
    "signers",
    type=RoleValue("URI"),
    multiple=True,
    help="Sign a role by file2:, awskms:, gcpkms:, azurekms:, hsm: or hv: instead of a key made "
    "here. Repeatable, also for one role.",
)
@click.option(
    "--public-key",
    "public_keys",
    type=RoleValue("FILE"),
    multiple=True,
    help="Let the holder of this public key (PEM) sign a role; bob.pem is the key of bob. "
    "Repeatable.",
)
@json_option
def init(
    country: str,
    thresholds: tuple[tuple[str, int], ...],
    key_counts: tuple[tuple[str, int], ...],
    signers: tuple[tuple[str, str], ...],
    public_keys: tuple[tuple[str, str], ...],
    as_json: bool,
) -> None:
    """Create a country's signed channels and a key for every role.

    Metadata goes to channels/COUNTRY, for git. Private keys go to PE_DVC_KEYS_DIR (default: the
    configuration directory), readable by you alone, never inside a repository. No key is created
    for a role with --signer or --public-key, unless --keys says how many.

    If others must sign root or targets, too, the channels are drafts: commit them; the others
    run pe-dvc channel sign root, and so on, in their clones.
    """
    from pathlib import Path

    from pe_dvc import Repo

    files = {role: [Path(path) for path in paths] for role, paths in by_role(public_keys).items()}
    done = Repo().channel.init(
        country,
        thresholds=dict(thresholds),
        key_counts=dict(key_counts),
        signers=by_role(signers),
        public_keys=files,
    )
    if as_json:
        print_json(done)
        return
    say(f"metadata     {done.metadata}: commit it")
    say(f"keys         {done.keys}: move root and targets to a safe place offline")
    if done.kept_keys:
        say(f"kept         {', '.join(done.kept_keys)}: these existing keys are used")
    if signers:
        say("signers      file2: URIs are not saved: add them to [tool.pe_dvc.signers]")
    if done.not_tried:
        say("store        not tried yet; the first push does: two must not publish over each other")
    if done.fingerprint is not None:
        say(f"fingerprint  {done.fingerprint}: publish it, so that readers can check root.json")
    say_drafts(done.drafts)


@command.command("update")
@click.argument("channel", type=click.Choice(["latest"]))
@json_option
def update(channel: str, as_json: bool) -> None:
    """Point latest at the artifacts of the manifests, and sign it.

    Meant as the command of a stage of `dvc repro`. The version goes up only if a dataset was
    added, removed or changed. Without the channel's key it is written unsigned, for review.
    Datasets that are held, or went back from what was built, stay as they are.
    """
    from pe_dvc import Repo

    done = Repo().channel.update()
    if as_json:
        print_json(done)
        return
    say_update(done)


@command.command("refresh")
@store_option
@json_option
def refresh(store: str | None, as_json: bool) -> None:
    """Sign the bucket's snapshot and timestamp again.

    Does so once half of their time has passed. Meant for a scheduled job: it needs the keys of
    snapshot and timestamp and no data, and publishes nothing that is new in git. Says which other
    roles expire within 60 days.
    """
    from pe_dvc import Repo

    done = Repo().channel.refresh(store=store)
    if as_json:
        print_json(done)
        return
    for role, (version, expires) in done.online.items():
        renewed = "renewed" if role in done.renewed else "still fresh"
        say(f"{role:<9} version {version:<4} {renewed}, expires {expires:%Y-%m-%d}")
    for role, (_, expires, keeper) in done.expiring.items():
        say(f"{role} expires on {expires:%Y-%m-%d}: it must be renewed by {keeper}")
    say_seen(done.seen)


for _command in (
    sign,
    renew,
    status,
    promote,
    rollback,
    hold,
    release_hold,
    recover,
    adopt,
    list_,
    show,
    log,
    diff,
    keys,
    witnesses,
):
    command.add_command(_command)
