"""``pe-dvc import``: files of Hugging Face's hub as datasets of a data repo."""

from __future__ import annotations

import click

from pe_dvc.cli.group import Command
from pe_dvc.cli.output import json_option, print_json, say
from pe_dvc.primitives.sizes import counted


@click.command("import", cls=Command)
@click.argument("uri")
@click.option("--into", default="data", show_default=True, help="The folder of the repo for them.")
@click.option("--only", "names", multiple=True, help="An artifact of the manifest. Repeatable.")
@click.option("--name", help="What a single file is called as a dataset.")
@click.option("--no-copy", is_flag=True, help="Leave them out of the bucket, for good.")
@json_option
def command(
    uri: str, into: str, names: tuple[str, ...], name: str | None, no_copy: bool, as_json: bool
) -> None:
    """Take files of Hugging Face's hub as datasets.

    They are downloaded, declared and tracked. Where they lie on the hub is signed with them, so
    that readers get them from there if the bucket lacks them: with --no-copy it always does.

    URI is a release_manifest.json, whose artifacts are verified against its sha256s, or one file:
    hf://dataset/OWNER/REPO@TAG/PATH. A tag is resolved to a commit, once. What is there already
    with the same bytes stays. Needs huggingface_hub (pip install huggingface_hub).
    """
    from pe_dvc import Repo

    done = Repo().import_(uri, into=into, names=names, name=name, copy=not no_copy)
    if as_json:
        print_json(done)
        return
    for file in done:
        how = "downloaded" if file.downloaded else "was there"
        say(f"{file.name:<32} {how}, verified against {file.verified}: {file.path}")
    say(f"{counted(len(done), 'file')} imported. Next: dvc repro, then commit.")
