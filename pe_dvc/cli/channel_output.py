"""What the channel commands say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.cli.output import echo, say
from pe_dvc.primitives.sizes import counted

if TYPE_CHECKING:
    from pe_dvc.usecases.channel.roles import RoleStatus
    from pe_dvc.usecases.channel.update import ChannelUpdate


def say_update(done: ChannelUpdate) -> None:
    """Say what changed in a channel."""
    say(f"{done.channel} is at version {done.version}{'' if done.changed else ', unchanged'}")
    if done.kept:
        say(f"kept as another publisher has it, until you git pull: {', '.join(done.kept)}")
    if done.compared:
        say(f"gates passed, compared with {done.compared}")
    for name, why in done.stay.items():
        say(f"  {name} stays: {why}")
    for verb, names in (("+", done.added), ("~", done.replaced), ("-", done.removed)):
        for name in names:
            say(f"  {verb} {name}")
    if not done.signed:
        say(
            f"{done.channel} is NOT signed: {counted(done.missing, 'signature')} missing. Readers "
            f"cannot see it until a key holder runs pe-dvc channel sign {done.channel}."
        )


def print_status(status: RoleStatus) -> None:
    """Print who signed a role, who did not, and when it expires."""
    count, needed = len(status.signed_by), status.threshold
    signed = (
        f"{count} signatures, {needed} needed"
        if count > needed
        else f"{count} of {needed} signatures"
    )
    missing = f", {status.missing} missing" if status.missing else ""
    expiry = "EXPIRED" if status.expired else "expires"
    echo(
        f"{status.role:<9} version {status.version:<4} {signed}{missing}, "
        f"{expiry} {status.expires:%Y-%m-%d}"
    )
    if status.fingerprint is not None:
        echo(f"{'':<9} fingerprint {status.fingerprint}")
    for verb, keyids in (("signed", status.signed_by), ("not signed", status.unsigned_by)):
        for keyid in keyids:
            name = f" ({status.names[keyid]})" if keyid in status.names else ""
            echo(f"{'':<9} {verb} by key {keyid}{name}")
