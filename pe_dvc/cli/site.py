"""``pe-dvc site``: pages of what is published."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from pe_dvc.cli.group import Command, Group
from pe_dvc.cli.output import echo, json_option, print_json, say, store_option
from pe_dvc.primitives.sizes import counted


@click.group("site", cls=Group)
def command() -> None:
    """Make pages of what is published, to browse."""


@command.command("build", cls=Command)
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), required=False)
@click.option(
    "--country", "countries", multiple=True, help="Only this country, such as us; can be repeated."
)
@click.option(
    "--from",
    "source",
    type=click.Choice(["bucket", "git"]),
    default="bucket",
    help="git: what this data repo has committed, without asking a bucket. Default: bucket.",
)
@click.option(
    "--single-file",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write one file instead, which opens from a disk.",
)
@click.option("--url", metavar="URL", help="The address where the site will be.")
@click.option(
    "--bucket-url",
    "bucket_urls",
    metavar="URL",
    multiple=True,
    help="The web address at which browsers read the bucket: https://…; again for a mirror.",
)
@store_option
@json_option
def build(
    directory: Path | None,
    countries: tuple[str, ...],
    source: Literal["bucket", "git"],
    file: Path | None,
    url: str | None,
    bucket_urls: tuple[str, ...],
    store: str | None,
    as_json: bool,
) -> None:
    """Write static pages of what is published.

    Of every country whose root is pinned, and that of the data repo around. Everything is verified
    as it is read, and no payload is read. The same published state gives the same bytes. In
    DIRECTORY the files of an earlier build are replaced, and no other file is touched.
    """
    import pe_dvc

    if file is not None and directory is None and url is None:
        found = pe_dvc.build_site_file(
            file, countries, source=source, store=store, bucket_url=bucket_urls
        )
    elif file is None and directory is not None:
        found = pe_dvc.build_site(
            directory, countries, source=source, store=store, url=url, bucket_url=bucket_urls
        )
    else:
        raise click.UsageError("Name either a DIRECTORY, with --url or not, or a --single-file.")
    print_json(found) if as_json else echo(found.file or found.directory / "index.html")
    for pin, problem in found.problems.items():
        say(f"{pin} could not be read: {problem}")
    for name, lacks in found.lacking.items():
        say(f"{name} is not shown whole: {lacks}")
    pages = f"{counted(found.files, 'file')} of {counted(found.datasets, 'dataset')}"
    say(f"wrote {pages}; sha256{'' if found.file else ' of their list'}: {found.sha256}")
    if found.problems:
        click.get_current_context().exit(1)


@command.command("serve", cls=Command)
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), required=False)
@click.option(
    "--country", "countries", multiple=True, help="Only this country, such as us; can be repeated."
)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, help="Default: 8000.")
@store_option
def serve(directory: Path | None, countries: tuple[str, ...], port: int, store: str | None) -> None:
    """Show pages of what is published, on this machine.

    Without DIRECTORY they are made for the moment, as `pe-dvc site build` makes them. Only programs
    of this machine can open them. Ctrl-C ends it.
    """
    import pe_dvc

    with pe_dvc.serve_site(directory, countries, store=store, port=port) as site:
        echo(site.url)
        say("Open that address in a browser. Ctrl-C ends it.")
        site.wait()
