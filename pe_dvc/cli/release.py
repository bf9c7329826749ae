"""``pe-dvc release``: git tags as releases that policyengine.py certifies."""

from __future__ import annotations

from pathlib import Path

import click

from pe_dvc.cli.failures import CHECK_FAILED, REVOKED
from pe_dvc.cli.group import Group
from pe_dvc.cli.output import echo, json_option, print_json, say, store_option
from pe_dvc.cli.publish_output import (
    say_rebased,
    say_replaced,
    say_seen,
    say_waiting,
    uncommitted_option,
)
from pe_dvc.cli.release_mirror import mirror
from pe_dvc.cli.release_output import print_diff, say_passed_over, say_update
from pe_dvc.cli.release_verify import verify
from pe_dvc.primitives.sizes import counted


@click.group("release", cls=Group)
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
    """Check that TAG can be released, and register it.

    It is registered in channels/COUNTRY/releases.json. Everything is read from the tag's tree in
    git, and nothing of the work tree. Every artifact must be in the signed channel next at that
    commit, and in the bucket.
    """
    from pe_dvc import Repo

    created = Repo().release.create(tag, from_latest=from_latest, store=store)
    released = created.update.released
    if as_json:
        print_json(created)
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
    """Publish a registered release.

    Uploads its manifest, its TRO, its signed statements, then the signed metadata.

    Refused while files of pe_dvc or DVC are not committed, and while pe-dvc gc runs.
    """
    from pe_dvc import Repo

    pushed = Repo().release.push(tag, store=store, uncommitted=uncommitted)
    if as_json:
        print_json(pushed)
        return
    say(f"documents  {', '.join(pushed.documents) or 'already there'}")
    say(f"signed     releases {pushed.channel.versions['releases']}")
    say_replaced(pushed.channel.replaced)
    say_waiting(pushed.channel)
    say_rebased(pushed.rebased)
    say(f"published  {tag} to {pushed.store}")
    say_seen(pushed.seen)


@command.command("show")
@click.argument("tag")
@click.option("--tro", is_flag=True, help="Print the TRACE TRO instead.")
@click.option(
    "--tro-vocabulary",
    type=click.Choice(["0.1", "2023/05"]),
    help="The terms of the TRO: 0.1 is signed; policyengine.py's schema asks for the older ones. "
    "[default: 0.1]",
)
@click.option("--with-claims", is_flag=True, help="Add the claims that were made since.")
@click.pass_context
def show(
    ctx: click.Context, tag: str, tro: bool, tro_vocabulary: str | None, with_claims: bool
) -> None:
    """Print the release manifest of TAG, in policyengine.py's format.

    Names what was withdrawn of it since, as far as is known here; the exit code is then 4.
    """
    from pe_dvc import Repo

    if tro_vocabulary and not tro:
        raise click.UsageError("--tro-vocabulary is for --tro.")
    commands = Repo().release
    release = commands.show(tag, with_claims=with_claims)
    document = release.tro if tro else release.data
    if tro_vocabulary == "2023/05":
        document = release.older_tro
    click.echo(document, nl=False)
    withdrawn = commands.withdrawn(tag)
    for name, why in withdrawn.items():
        say(f"{name} of release {tag} was {why}")
    if withdrawn:
        ctx.exit(REVOKED)


@command.command("list")
@click.option("--passed-over", is_flag=True, help="List the tags that are no releases, and why.")
@json_option
def list_(passed_over: bool, as_json: bool) -> None:
    """List the git tags that are releases.

    They are ordered by the time of the tag, of a light tag its commit's. Releases are the tags
    that fit tags in [tool.pe_dvc.release]; without it, versions and GTO's tags.
    """
    from pe_dvc import Repo

    release = Repo().release
    if passed_over:
        others = release.passed_over()
        if as_json:
            print_json(others)
            return
        for other in others:
            echo(f"{other.tag:<24} {other.reason}")
        return
    tags = release.list()
    if as_json:
        print_json(tags)
        return
    for tag in tags:
        echo(f"{tag.tag:<24} {tag.tagged_at:%Y-%m-%dT%H:%M:%SZ}  {tag.commit[:12]}")
    say_passed_over(release.passed_over())


@command.command("status")
@store_option
@json_option
def status(store: str | None, as_json: bool) -> None:
    """Show the state of every tag, and whether readers can read it.

    unreleased: not registered by release create. staged: released, and certified by no bundle of
    policyengine.py yet. certified. deprecated: readers are warned. unreproducible: an artifact was
    withdrawn. moved: the tag now names another commit.
    """
    from pe_dvc import Repo

    rows = Repo().release.status(store=store)
    if as_json:
        print_json(rows)
        return
    for row in rows:
        published = "published" if row.published else "not published"
        echo(f"{row.tag:<24} {row.state:<15} {published:<14} {row.detail}".rstrip())


@command.command("diff")
@click.argument("before")
@click.argument("after")
@json_option
def diff(before: str, after: str, as_json: bool) -> None:
    """Show what changed between two tags.

    Lists datasets, schemas, row counts and inputs.
    """
    from pe_dvc import Repo

    found = Repo().release.diff(before, after)
    if as_json:
        print_json(found)
    else:
        print_diff(found)


@command.command("export")
@click.argument("tag")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@store_option
def export(tag: str, directory: Path, store: str | None) -> None:
    """Write a release into DIRECTORY.

    Its files are below payload, beside the TRO that lists them and its signed statements.
    """
    from pe_dvc import Repo

    downloaded = Repo().release.export(tag, directory, store=store, progress=True)
    say(f"{counted(downloaded, 'payload')} downloaded and verified")
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
    """Check that what a bundle pins of TAG can still be fetched.

    The bundle is policyengine.py's.

    Each pin must be an artifact of the release, not revoked, and in the bucket byte for byte.
    """
    from pe_dvc import Repo

    checked = Repo().release.certified(tag, bundle, record=record, store=store)
    if as_json:
        print_json(checked)
    else:
        for pin in checked.pins:
            echo(f"{pin.verdict:<9} {pin.name}  {pin.detail}")
        if checked.recorded is not None:
            say_update(checked.recorded)
    if not checked.ok:
        ctx.exit(CHECK_FAILED)


@command.command("deprecate")
@click.argument("tag")
@click.option("--reason", required=True, help="Why, and what to use instead.")
@json_option
def deprecate(tag: str, reason: str, as_json: bool) -> None:
    """Record that TAG should no longer be used; it stays readable."""
    from pe_dvc import Repo

    update = Repo().release.deprecate(tag, reason)
    if as_json:
        print_json(update)
    else:
        say_update(update)


@command.command("claim")
@click.argument("tag")
@click.argument("claim")
@json_option
def claim(tag: str, claim: str, as_json: bool) -> None:
    """Add the claim that TAG works with more versions of a package.

    CLAIM is a package and its versions, such as 'policyengine-uk>=2.89,<2.91'. The artifacts and
    the manifest as tagged stay the same; the claim is signed beside them.
    """
    from pe_dvc import Repo

    update = Repo().release.claim(tag, claim)
    if as_json:
        print_json(update)
    else:
        say_update(update)


command.add_command(mirror)
command.add_command(verify)
