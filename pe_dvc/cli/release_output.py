"""How ``pe-dvc release`` shows releases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.cli.output import echo, say
from pe_dvc.primitives.sizes import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.documents.manifest_diff import ReleaseDiff
    from pe_dvc.public.release import PassedOver
    from pe_dvc.usecases.release.register import RoleUpdate

SHOWN = 5
"""Most of the tags that are passed over whose names are said unasked."""


def say_update(update: RoleUpdate) -> None:
    """Say what became of a release in the signed metadata, and what comes next."""
    done = "" if update.changed else ", unchanged"
    say(
        f"releases   version {update.version}{done}: {update.released.tag} is "
        f"{update.released.state}"
    )
    if update.signed:
        say(f"next       commit channels, then pe-dvc release push {update.released.tag}")
    else:
        say(
            f"next       NOT signed: {counted(update.missing, 'signature')} missing. Commit "
            "channels, let a release manager run pe-dvc channel sign releases"
        )


def say_passed_over(tags: Sequence[PassedOver]) -> None:
    """Say which tags are no releases, the newest first, and why."""
    newest = list(reversed(tags))
    for tag in newest[:SHOWN]:
        say(f"passed over {tag.tag}: it {tag.reason}")
    if len(tags) > SHOWN:
        say(f"passed over {len(tags) - SHOWN} more: pe-dvc release list --passed-over")


def print_diff(found: ReleaseDiff) -> None:
    """Print what changed between two releases, one line for each value."""
    for sign, names in (("+", found.added), ("-", found.removed)):
        for name in names:
            echo(f"{sign} {name}")
    for name, why in found.withdrawn.items():
        echo(f"! {name}  {why}")
    for dataset in found.changed:
        echo(f"~ {dataset.name}")
        for table, (before, after) in dataset.contents.items():
            same = "the same, in other bytes" if before == after else "others"
            echo(f"    values {table}: {same}")
        for label, changes in (
            ("rows", dataset.rows),
            ("column", dataset.columns),
            ("input", dataset.inputs),
        ):
            for key, (before, after) in changes.items():
                echo(f"    {label} {key}: {_shown(before)} → {_shown(after)}")
    echo(f"{counted(found.unchanged, 'dataset')} unchanged")


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)
