"""``pe-dvc import``: files of Hugging Face's hub as datasets of a data repo."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from pe_dvc.cli.failures import CHECK_FAILED, answers_by_exit_code
from pe_dvc.cli.group import Command
from pe_dvc.cli.output import json_option, print_json, say
from pe_dvc.primitives.sizes import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pe_dvc.project.import_hub import ImportedFile


@click.command("import", cls=Command)
@click.argument("uri")
@click.option("--into", default="data", show_default=True, help="The folder of the repo for them.")
@click.option("--only", "names", multiple=True, help="An artifact of the manifest. Repeatable.")
@click.option("--name", "--as", "name", help="What one file or artifact is called as a dataset.")
@click.option("--no-copy", is_flag=True, help="Leave them out of the bucket, for good.")
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if anything is new.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    uri: str,
    into: str,
    names: tuple[str, ...],
    name: str | None,
    no_copy: bool,
    check: bool,
    as_json: bool,
) -> None:
    """Take files of Hugging Face's hub as datasets.

    They are downloaded, declared and tracked. Where they lie on the hub is signed with them, so
    that readers get them from there if the bucket lacks them: with --no-copy it always does.

    URI is a release_manifest.json, whose artifacts are verified against its sha256s, a repo's
    latest.json, which names the current release, or one file: hf://dataset/OWNER/REPO@TAG/PATH. A
    tag is resolved to a commit, once. What is there already with the same bytes stays. Needs
    huggingface_hub (pip install huggingface_hub).
    """
    from pe_dvc import Repo

    with answers_by_exit_code(ctx) if check else nullcontext():
        done = Repo().import_(uri, into=into, names=names, name=name, copy=not no_copy, check=check)
    if as_json:
        print_json(done)
    elif check:
        for file in done:
            say(f"{file.name:<32} new: {file.source}")
        say(f"{counted(len(done), 'file')} to import.")
    else:
        say_imported(done)
        say(f"{counted(len(done), 'file')} imported. Next: dvc repro, then commit.")
    if check and done:
        ctx.exit(CHECK_FAILED)


def say_imported(files: Iterable[ImportedFile]) -> None:
    """Say of each file what became of it."""
    stated = set()
    for file in files:
        stated.add(file.provenance)
        how = "downloaded" if file.downloaded else "was there"
        say(f"{file.name:<32} {how}, verified against {file.verified}: {file.path}")
    for path in sorted(filter(None, stated)):
        say(f"{'provenance':<32} as their producer states it: {path}")
