"""``pe-dvc release verify``: a release in the bucket, or a copy of one, is what was signed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pe_dvc.cli.group import Command
from pe_dvc.cli.output import echo, json_option, print_json, store_option
from pe_dvc.primitives.sizes import bytes_text, counted

if TYPE_CHECKING:
    from pe_dvc.project.release_copy import VerifiedCopy
    from pe_dvc.public.release import VerifiedRelease


@click.command("verify", cls=Command)
@click.argument("tag", required=False)
@click.option(
    "--offline",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIRECTORY",
    help="Check this export, without clone, bucket and network, from the pinned root.",
)
@click.option(
    "--root",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With --offline: a root.json to trust instead of the pinned one.",
)
@store_option
@json_option
def verify(
    tag: str | None, directory: Path | None, root: Path | None, store: str | None, as_json: bool
) -> None:
    """Check that the release TAG matches git and is whole in the bucket.

    With --offline, that an exported release is what was signed; TAG is then optional. Every
    payload is read and hashed.
    """
    from pe_dvc import Repo

    if directory is not None:
        if store is not None:
            raise click.UsageError("--store is not for --offline.")
        copy = Repo().release.verify_export(directory, tag, root=root, progress=True)
        print_json(copy) if as_json else echo(_copy_text(copy))
        return
    if root is not None:
        raise click.UsageError("--root is for --offline.")
    if tag is None:
        raise click.UsageError("Name a TAG, or an export by --offline.")
    found = Repo().release.verify(tag, store=store, progress=True)
    print_json(found) if as_json else echo(_text(found))


def _text(found: VerifiedRelease) -> str:
    verified, signature = found.verified, found.signature
    statements = counted(verified.statements, "signed statement")
    return (
        f"ok  {found.tag}: identical to what git holds, and "
        f"{counted(verified.artifacts, 'artifact')} ({bytes_text(verified.size)}) in the bucket "
        f"with the bytes that were signed; {statements}; signature of the git tag: "
        f"{signature.verdict} ({signature.detail})"
    )


def _copy_text(found: VerifiedCopy) -> str:
    state = f"{found.state}: {found.reason}" if found.reason else found.state
    return (
        f"ok  {found.tag}: {counted(found.artifacts, 'artifact')} ({bytes_text(found.size)}) and "
        f"{counted(found.statements, 'signed statement')} are what was signed; {state} by "
        f"version {found.version} of the releases, under root {found.root}; {_log_text(found)}"
    )


def _log_text(found: VerifiedCopy) -> str:
    if found.log_index is None:
        return f"not proven to be in the channel's log: {found.not_logged}"
    text = f"entry {found.log_index} of {found.log_size} in the channel's log"
    return f"{text}, cosigned by {', '.join(found.witnesses)}" if found.witnesses else text
