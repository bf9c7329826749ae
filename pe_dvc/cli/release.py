"""``pe-dvc release``: git tags as releases that policyengine.py certifies."""

from __future__ import annotations

from pathlib import Path

import click

from pe_dvc.cli.failures import CHECK_FAILED
from pe_dvc.cli.output import json_option, print_json, say, store_option
from pe_dvc.cli.publish_output import say_rebased, uncommitted_option
from pe_dvc.cli.release_output import (
    print_diff,
    say_update,
    status_json,
    time_text,
    update_json,
)
from pe_dvc.primitives.sizes import bytes_text


@click.group("release")
def command() -> None:
    """Turn git tags into releases that policyengine.py certifies."""


@command.command("create")
@click.argument("tag")
@click.option(
    "--from-latest",
    is_flag=True,
    help="Pin what is signed in latest, for a data repo without review. It is recorded.",
)
@store_option
@json_option
def create(tag: str, from_latest: bool, store: str | None, as_json: bool) -> None:
    """Check that TAG can be released, and register it in channels/COUNTRY/releases.json.

    Everything is read from the tag's tree in git, and nothing of the work tree. Every artifact
    must be in the signed channel next at that commit, and in the bucket.
    """
    from pe_dvc.project.release import Releasing

    created = Releasing(store=store).create(tag, from_latest=from_latest)
    released = created.update.released
    if as_json:
        print_json({**update_json(created.update), "tag_signature": created.signature.to_json()})
        return
    say(f"release    {tag} of commit {released.commit[:12]}")
    say(f"signature  {created.signature.verdict} ({created.signature.detail})")
    say(
        f"artifacts  {len(created.release.manifests)}, all in the bucket and signed in "
        f"{released.channel}"
    )
    say(f"manifest   sha256:{released.sha256}")
    say_update(created.update)


@command.command("push")
@click.argument("tag")
@store_option
@uncommitted_option
@json_option
def push(tag: str, store: str | None, uncommitted: bool, as_json: bool) -> None:
    """Publish a registered release: its manifest, its TRO, then the signed metadata.

    Refused while files of pe_dvc or DVC are not committed, and while pe-dvc gc is at work.
    """
    from pe_dvc.project.release import Releasing

    pushed = Releasing(store=store).push(tag, uncommitted=uncommitted)
    if as_json:
        print_json(pushed.to_json())
        return
    say(f"documents  {', '.join(pushed.documents) or 'already there'}")
    say(f"signed     releases {pushed.channel.versions['releases']}")
    say_rebased(pushed.rebased)
    say(f"published  {tag} to {pushed.store}")


@command.command("show")
@click.argument("tag")
@click.option("--tro", is_flag=True, help="Print the TRACE TRO instead.")
def show(tag: str, tro: bool) -> None:
    """Print the release manifest that TAG gives: policyengine.py's data release manifest."""
    from pe_dvc.project.release import Releasing

    release = Releasing().derive(tag)
    click.echo(release.tro if tro else release.data, nl=False)


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the git tags that have the form of a release."""
    from pe_dvc.project.release import Releasing

    tags = [tag for _, tag in Releasing().git.tags()]
    if as_json:
        print_json(
            [{"tag": t.name, "commit": t.commit, "tagged_at": time_text(t.moment)} for t in tags]
        )
        return
    for tag in tags:
        click.echo(f"{tag.name:<24} {time_text(tag.moment)}  {tag.commit[:12]}")


@command.command("status")
@store_option
@json_option
def status(store: str | None, as_json: bool) -> None:
    """Show for every tag whether it is staged, certified, deprecated or unreproducible."""
    from pe_dvc.project.release import Releasing

    rows = Releasing(store=store).status()
    if as_json:
        print_json([status_json(row) for row in rows])
        return
    for row in rows:
        published = "published" if row.published else "not published"
        click.echo(f"{row.tag:<24} {row.state:<15} {published:<14} {row.detail}".rstrip())


@command.command("verify")
@click.argument("tag")
@store_option
@json_option
def verify(tag: str, store: str | None, as_json: bool) -> None:
    """Prove that the published release is what git says, and that the bucket holds it all."""
    from pe_dvc.project.release import Releasing

    verified, signature = Releasing(store=store).verify(tag)
    if as_json:
        print_json(
            {
                "tag": tag,
                "sha256": verified.released.sha256,
                "artifacts": verified.artifacts,
                "size": verified.size,
                "tag_signature": signature.to_json(),
            }
        )
        return
    click.echo(
        f"ok  {tag}: byte for byte what git gives, and {verified.artifacts} artifacts "
        f"({bytes_text(verified.size)}) are in the bucket; signature of the git tag: "
        f"{signature.verdict} ({signature.detail})"
    )


@command.command("diff")
@click.argument("before")
@click.argument("after")
@json_option
def diff(before: str, after: str, as_json: bool) -> None:
    """Show what changed between two tags: datasets, schemas, row counts, inputs."""
    from pe_dvc.project.release import Releasing

    found = Releasing().diff(before, after)
    if as_json:
        print_json(found.to_json())
    else:
        print_diff(found)


@command.command("export")
@click.argument("tag")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@store_option
def export(tag: str, directory: Path, store: str | None) -> None:
    """Write a release into DIRECTORY: its files below payload, and the TRO that covers them."""
    from pe_dvc.project.progress_bar import Bars
    from pe_dvc.project.release import Releasing

    downloaded = Releasing(store=store).export(tag, directory, reporter=Bars())
    say(f"{downloaded} payloads downloaded and verified")
    say(f"check it with: tro-utils verify-package {directory}/trace.tro.jsonld {directory}/payload")


@command.command("certified")
@click.argument("tag")
@click.option(
    "--bundle",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The manifest.json of policyengine.py's bundle.",
)
@click.option("--record", is_flag=True, help="Record the certification, if every pin holds.")
@store_option
@json_option
@click.pass_context
def certified(
    ctx: click.Context, tag: str, bundle: Path, record: bool, store: str | None, as_json: bool
) -> None:
    """Check that what a policyengine.py bundle pins of TAG can still be fetched.

    Each pin must be an artifact of the release, not revoked, and in the bucket byte for byte.
    """
    from pe_dvc.project.release import Releasing

    checks, update = Releasing(store=store).check_bundle(tag, bundle, record=record)
    if as_json:
        recorded = None if update is None else update_json(update)
        print_json({"pins": [check.to_json() for check in checks], "recorded": recorded})
    else:
        for check in checks:
            click.echo(f"{check.verdict:<9} {check.name}  {check.detail}")
        if update is not None:
            say_update(update)
    if not all(check.ok for check in checks):
        ctx.exit(CHECK_FAILED)


@command.command("deprecate")
@click.argument("tag")
@click.option("--reason", required=True, help="Why, and what to use instead.")
@json_option
def deprecate(tag: str, reason: str, as_json: bool) -> None:
    """Record that TAG should no longer be used; it stays readable."""
    from pe_dvc.project.release import Releasing

    update = Releasing().deprecate(tag, reason)
    if as_json:
        print_json(update_json(update))
    else:
        say_update(update)
