"""How ``pe-dvc release`` shows releases: for people, and as plain JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pe_dvc.cli.output import say

if TYPE_CHECKING:
    from datetime import datetime

    from pe_dvc.documents.manifest_diff import ReleaseDiff
    from pe_dvc.usecases.release.register import RoleUpdate
    from pe_dvc.usecases.release.status import TagStatus


def update_json(update: RoleUpdate) -> dict[str, Any]:
    """Return what became of a release in the signed metadata as plain JSON values."""
    released = update.released
    return {
        "tag": released.tag,
        "commit": released.commit,
        "sha256": released.sha256,
        "tro_sha256": released.tro_sha256,
        "channel": released.channel,
        "state": released.state,
        "releases_version": update.version,
        "changed": update.changed,
        "signed": update.signed,
        "missing_signatures": update.missing,
    }


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
            f"next       NOT signed: {update.missing} signature(s) wanting. Commit channels, let "
            "a release manager run pe-dvc channel sign releases"
        )


def time_text(moment: datetime) -> str:
    """Return a time in UTC, to the second."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def status_json(row: TagStatus) -> dict[str, Any]:
    """Return how a tag stands as plain JSON values."""
    from dataclasses import asdict

    return {**asdict(row), "tagged_at": time_text(row.tagged_at)}


def print_diff(found: ReleaseDiff) -> None:
    """Print what changed between two releases, one line for each value."""
    for sign, names in (("+", found.added), ("-", found.removed)):
        for name in names:
            click.echo(f"{sign} {name}")
    for dataset in found.changed:
        click.echo(f"~ {dataset.name}")
        for label, changes in (
            ("rows", dataset.rows),
            ("column", dataset.columns),
            ("input", dataset.inputs),
        ):
            for key, (before, after) in changes.items():
                click.echo(f"    {label} {key}: {_shown(before)} → {_shown(after)}")
    click.echo(f"{found.unchanged} datasets are the same")


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)
