"""What ``pe-dvc revoke``, ``unrevoke`` and ``push`` say of withdrawals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.cli.output import say
from pe_dvc.primitives.sizes import bytes_text, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.usecases.revoke.affected import Affected
    from pe_dvc.usecases.revoke.change import RoleChange
    from pe_dvc.usecases.revoke.removal import Removal


def say_affected(affected: Affected) -> None:
    """Say what a withdrawal concerns."""
    for reference in affected.artifacts:
        say(f"withdraws       {reference}")
    for reference in affected.channels:
        say(f"channel         {reference}: readers are refused once it is published")
    for tag in affected.releases:
        say(f"release         {tag} becomes unreproducible: licence revoked")
    for reference in affected.derived:
        say(f"derives from it {reference}, which stays: revoke it, too, if it must go")
    for key, reference in affected.kept.items():
        say(f"stays           {key}: {reference} needs it")
    for name in affected.mirrors:
        say(f"mirror          {name} keeps it until pe-dvc mirror sync {name}")
    for name in affected.hubs:
        say(f"mirror          {name} is on a hub, which no sync changes: remove there what it has")
    size = bytes_text(affected.size)
    say(f"leaves the bucket after pe-dvc push: {counted(len(affected.files), 'object')} ({size})")


def say_role(role: RoleChange) -> None:
    """Say what became of the role in git, and what is to do."""
    say(f"revoked is at version {role.version}{'' if role.changed else ', unchanged'}")
    for verb, names in (("+", role.added), ("-", role.removed)):
        for name in names:
            say(f"  {verb} {name}")
    if not role.signed:
        say(
            f"revoked is NOT signed: {counted(role.missing, 'signature')} missing. Readers see "
            "none of it until the stewards ran pe-dvc channel sign revoked"
        )
    say("next: commit, then pe-dvc push")


def say_mirrors(names: Sequence[str]) -> None:
    """Say which mirrors have what was withdrawn until they are synced."""
    if names:
        say(f"mirrors    {', '.join(names)}: they keep their copies until pe-dvc mirror sync")


def say_removal(removal: Removal) -> None:
    """Say what left the bucket, and what is left there."""
    for key in removal.tombstones:
        say(f"tombstone  {key}")
    for key in removal.cleared:
        say(f"removed the tombstone {key}: no signed entry says that")
    size = bytes_text(removal.removed_bytes)
    say(f"withdrawn  {counted(len(removal.removed), 'object')} removed ({size})")
    for key, reference in removal.kept.items():
        say(f"kept {key}: {reference} needs it")
    for key, reason in removal.left.items():
        say(f"STILL THERE {key}: {reason}")
    if removal.postponed:
        say(f"NOTHING WAS REMOVED YET: {removal.postponed}")
    if not removal.is_complete:
        say("to try again, as someone who may remove it: pe-dvc revoke --remove")
