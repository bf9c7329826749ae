"""``pe-dvc cache``: the local cache of verified artifacts."""

from __future__ import annotations

import click


@click.group("cache")
def command() -> None:
    """Look at the local cache."""


@command.command("dir")
def dir_() -> None:
    """Print the cache's directory (PE_DVC_CACHE_DIR, else the platform's)."""
    from pe_dvc.project.locations import cache_dir

    click.echo(cache_dir())
