"""``pe-dvc channel recover``: after a theft of keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pe_dvc.cli.channel_output import say_drafts
from pe_dvc.cli.group import Command
from pe_dvc.cli.output import json_option, print_json, say, store_option
from pe_dvc.cli.role_values import RoleValue, by_role
from pe_dvc.primitives.sizes import counted

if TYPE_CHECKING:
    from pe_dvc.project.channel_recover import Recovered


@click.command("recover", cls=Command)
@click.argument("roles", nargs=-1, metavar="[ROLE[=KEYID]]...")
@click.option(
    "--signer",
    "signers",
    type=RoleValue("URI"),
    multiple=True,
    help="Use the key behind awskms:, gcpkms:, file2: … as a role's new key. Repeatable.",
)
@click.option(
    "--public-key",
    "public_keys",
    type=RoleValue("FILE"),
    multiple=True,
    help="Use another person's public key (PEM) as a role's new key. Repeatable.",
)
@click.option(
    "--new-log",
    is_flag=True,
    help="Begin a new log of what is published: only if the old one cannot be continued.",
)
@store_option
@json_option
def recover(
    roles: tuple[str, ...],
    signers: tuple[tuple[str, str], ...],
    public_keys: tuple[tuple[str, str], ...],
    new_log: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """Replace stolen keys.

    They are those of latest, snapshot and timestamp, or of each ROLE. Needs the offline keys of
    root and targets. What git holds is signed again by new keys, with versions above those that a
    thief may have published. Then commit, and run pe-dvc push: from then on, nothing that the
    stolen keys signed counts.

    Of a role with several keys, say which was stolen: next=KEYID, where KEYID is the start of
    its id, or its name.
    """
    from pe_dvc import Repo

    files = {role: [Path(path) for path in paths] for role, paths in by_role(public_keys).items()}
    done = Repo().channel.recover(
        roles, signers=by_role(signers), public_keys=files, new_log=new_log, store=store
    )
    if as_json:
        print_json(done)
    else:
        _say(done)


def _say(done: Recovered) -> None:
    recovery = done.recovery
    for role, stolen in recovery.stolen.items():
        say(f"{role}: keys that no longer count: {', '.join(stolen)}")
        for path in done.key_files.get(role, ()):
            say(f"  new key: {path}; move it to where {role} is signed")
        if role not in done.key_files:
            say(f"  new key: {', '.join(recovery.keys[role])}")
    if not done.passed_over:
        say(
            "the bucket could not be read, so the new versions follow git's: if that is not "
            "enough, the push says so"
        )
    drafts = {draft.role for draft in recovery.drafts}
    for role, version in recovery.versions.items():
        if role not in drafts:
            say(f"{role} is at version {version}")
    say_drafts(recovery.drafts)
    for role, missing in recovery.waiting.items():
        say(f"{role} needs {counted(missing, 'more signature')}: pe-dvc channel sign {role}")
    if "root" in recovery.versions and "root" not in drafts:
        say(f"fingerprint of the new root: {done.fingerprint}; publish it in place of the old one")
    if done.tell_witnesses:
        say(
            "first run pe-dvc channel witnesses --entry, and give the witnesses what it prints: "
            "until they have it they cosign nothing, and after a push readers are refused"
        )
    say("nothing is published yet: commit channels/, then run pe-dvc push")
