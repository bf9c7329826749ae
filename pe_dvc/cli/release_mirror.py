"""``pe-dvc release mirror``: a release on Hugging Face's hub, where certification reads it."""

from __future__ import annotations

import click

from pe_dvc.cli.group import Command
from pe_dvc.cli.output import echo, json_option, print_json, say, store_option
from pe_dvc.primitives.sizes import counted


@click.command("mirror", cls=Command)
@click.argument("tag")
@click.argument("uri")
@click.option("--latest", metavar="FILE", help="Then let FILE, such as latest.json, name it.")
@click.option(
    "--tro-vocabulary",
    type=click.Choice(["0.1", "2023/05"]),
    default="0.1",
    show_default=True,
    help="The terms of the TRO there; policyengine.py's schema asks for the older ones.",
)
@store_option
@json_option
def mirror(
    tag: str,
    uri: str,
    latest: str | None,
    tro_vocabulary: str,
    store: str | None,
    as_json: bool,
) -> None:
    """Bring release TAG to the hub repo URI.

    URI is hf://dataset/OWNER/REPO. One commit holds the release; its tag is TAG, and a tag that
    holds the same already is success. Every file is read back there and hashed. The pointer comes
    last. Needs huggingface_hub (pip install huggingface_hub) and, to write, HF_TOKEN or hf auth
    login.
    """
    from pe_dvc import Repo

    done = Repo().release.mirror(
        tag,
        uri,
        latest=latest,
        older_tro=tro_vocabulary == "2023/05",
        store=store,
        progress=True,
    )
    if as_json:
        print_json(done)
        return
    say(f"hub        {done.repo}, commit {done.commit[:12]}")
    how = "made now" if done.created else "there already, with the same release"
    say(f"tag        {tag}, {how}; {counted(len(done.paths), 'file')} read back and verified")
    if done.pointer is not None:
        moved = f"moved from {done.pointer.before or 'nothing'}"
        say(f"pointer    {done.pointer.file}, {moved if done.pointer.moved else 'there already'}")
    echo(done.manifest_uri)
