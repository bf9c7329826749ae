"""``pe-dvc pull``: the datasets of this checkout, verified, where DVC would put them."""

from __future__ import annotations

import click

from pe_dvc.cli.group import Command
from pe_dvc.cli.output import json_option, print_json, say, store_option
from pe_dvc.primitives.sizes import bytes_text, counted


@click.command("pull", cls=Command)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--force", is_flag=True, help="Replace files that were changed here.")
@store_option
@json_option
def command(names: tuple[str, ...], force: bool, store: str | None, as_json: bool) -> None:
    """Download this checkout's datasets into DVC's cache and the workspace.

    Everything that DVC caches, as `dvc pull` would, or only the datasets named. Each file is
    verified by its manifest's sha256 (by DVC's md5 where it has none) before it appears.
    `dvc status` is clean afterwards. A file that was changed here is not touched.
    """
    from pe_dvc import Repo

    pulled = Repo().pull(names, store=store, force=force, progress=True)
    if as_json:
        print_json(pulled)
        return
    for path in pulled.repaired:
        say(f"repaired {path}: the DVC cache held other bytes")
    for path, reason in pulled.left.items():
        say(f"left {path}: {reason}")
    say(
        f"downloaded {counted(len(pulled.downloaded), 'object')} "
        f"({bytes_text(pulled.downloaded_bytes)})"
    )
    say(
        f"workspace  {counted(len(pulled.checked_out), 'file')} checked out, "
        f"{pulled.unchanged} already there, {len(pulled.removed)} removed"
    )
    if pulled.by_md5:
        say(f"{counted(pulled.by_md5, 'file')} without a manifest: verified by DVC's md5 alone")
