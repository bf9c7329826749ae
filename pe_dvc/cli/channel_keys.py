"""``pe-dvc channel keys``: the keys of each role."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pe_dvc.cli.channel_output import say_drafts
from pe_dvc.cli.group import Group
from pe_dvc.cli.output import json_option, print_json, print_lines, say
from pe_dvc.primitives.sizes import counted

if TYPE_CHECKING:
    from pe_dvc.usecases.channel.key_edits import KeyChange


@click.group("keys", cls=Group)
def keys() -> None:
    """Add, remove or rotate the keys of a role.

    Writes new metadata for git, signed by the keys of root or of targets that this machine has.
    Commit it and push. Where others must sign, too, it is a draft until they ran pe-dvc channel
    sign. See docs/runbook-keys.md.
    """


_signer = click.option("--signer", metavar="URI", help="The key behind awskms:, gcpkms:, file2: …")
_public = click.option(
    "--public-key",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The public key (PEM) of another person.",
)
_threshold = click.option("--threshold", type=click.IntRange(1), help="How many keys must sign.")


@keys.command("show")
@click.argument("role")
@json_option
def show(role: str, as_json: bool) -> None:
    """Print the public keys of ROLE in PEM.

    With them others verify what the role signed, such as the statements of a release. Hand them
    over by another way than what is signed.
    """
    from pe_dvc import Repo

    found = Repo().channel.keys.show(role)
    if as_json:
        print_json(found)
        return
    for key in found:
        say(f"{key.name or 'a key'} of {role}: {key.keyid}")
        print_lines(key.pem.rstrip())


@keys.command("add")
@click.argument("role")
@_signer
@_public
@_threshold
@click.option("--name", help="Whose key it is, such as alice.")
@json_option
def add(
    role: str,
    signer: str | None,
    public_key: Path | None,
    threshold: int | None,
    name: str | None,
    as_json: bool,
) -> None:
    """Add a key to ROLE: a new one, unless one is given."""
    from pe_dvc import Repo

    keys = Repo().channel.keys
    change = keys.add(role, signer=signer, public_key=public_key, threshold=threshold, name=name)
    _say(change, as_json)


@keys.command("remove")
@click.argument("role")
@click.argument("keyid")
@_threshold
@json_option
def remove(role: str, keyid: str, threshold: int | None, as_json: bool) -> None:
    """Remove the key KEYID from ROLE.

    KEYID is its id, the start of it, or its name."""
    from pe_dvc import Repo

    _say(Repo().channel.keys.remove(role, keyid, threshold=threshold), as_json)


@keys.command("rotate")
@click.argument("role")
@click.argument("keyid", required=False)
@_signer
@_public
@click.option("--stolen", is_flag=True, help="Reject everything that the old key signed.")
@json_option
def rotate(
    role: str,
    keyid: str | None,
    signer: str | None,
    public_key: Path | None,
    stolen: bool,
    as_json: bool,
) -> None:
    """Replace ROLE's key KEYID with a new one, or with the one given.

    The old private key is not needed, except for root. Readers notice nothing, unless the key was
    stolen.
    """
    from pe_dvc import Repo

    keys = Repo().channel.keys
    change = keys.rotate(role, keyid, signer=signer, public_key=public_key, stolen=stolen)
    _say(change, as_json)


def _say(change: KeyChange, as_json: bool) -> None:
    if as_json:
        print_json(change)
        return
    say(f"{change.role}: {change.threshold} of {len(change.keyids)} keys must sign")
    for keyid in change.keyids:
        say(f"  {keyid}")
    if change.key_file is not None:
        say(f"new key: {change.key_file}; move it to where {change.role} is signed")
    drafts = {draft.role for draft in change.drafts}
    for role, version in change.versions.items():
        if role not in drafts:
            say(f"{role} is at version {version}: commit it, and push")
    say_drafts(change.drafts)
    for role, missing in change.waiting.items():
        say(f"{role} needs {counted(missing, 'more signature')}: pe-dvc channel sign {role}")
