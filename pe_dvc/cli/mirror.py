"""``pe-dvc mirror``: copies of the bucket elsewhere, that readers can fall back to."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

import click

from pe_dvc.cli.arenas import share_arenas
from pe_dvc.cli.failures import CHECK_FAILED
from pe_dvc.cli.group import Group
from pe_dvc.cli.output import echo, json_option, print_json, say, store_option
from pe_dvc.primitives.sizes import bytes_text, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pe_dvc.usecases.mirror.sync import Synced
    from pe_dvc.usecases.mirror.verify import MirrorCheck
    from pe_dvc.usecases.mirror.verify_hub import HubCheck

Outcome = TypeVar("Outcome", "Synced", "MirrorCheck | HubCheck")


@click.group("mirror", cls=Group)
def command() -> None:
    """Keep copies of the bucket elsewhere, and check them."""


@command.command("add")
@click.argument("name")
@click.argument("url")
@click.option("--country", "countries", multiple=True, help="Hold this country only.")
@click.option("--dataset", "datasets", multiple=True, help="Hold these only; * is anything.")
@click.option("--channel", "channels", multiple=True, help="Hold what it points to only.")
@click.option("--release", "releases", multiple=True, help="Hold these only; * is anything.")
@click.option("--last", type=click.IntRange(min=1), help="Hold so many versions of a channel.")
@click.option("--doi", help="The DOI of the deposit, where the store has one.")
@json_option
def add(
    name: str,
    url: str,
    countries: tuple[str, ...],
    datasets: tuple[str, ...],
    channels: tuple[str, ...],
    releases: tuple[str, ...],
    last: int | None,
    doi: str | None,
    as_json: bool,
) -> None:
    """Declare the store at URL as the mirror NAME.

    Written to [tool.pe_dvc.mirrors] of pyproject.toml: commit it. Nothing is copied before
    pe-dvc mirror sync. A mirror holds everything, unless an option says less; signed metadata it
    always holds whole. Credentials are the store's own, of the environment, a profile or a DVC
    remote in the same bucket, and never part of URL.

    URL may be a release on a hub, hf://dataset/OWNER/REPO@TAG/…/release_manifest.json: it is never
    filled, and readers take payloads from it where the stores fail.
    """
    from pe_dvc import Repo

    added = Repo().mirror.add(
        name,
        url,
        countries=countries,
        datasets=datasets,
        channels=channels,
        releases=releases,
        last=last,
        doi=doi,
    )
    if as_json:
        print_json(added)
        return
    say(f"mirror     {added.name}, {added.url}: {added.holds}")
    if added.is_filled:
        say(f"commit pyproject.toml, then fill it: pe-dvc mirror sync {added.name}")
    else:
        say(f"commit pyproject.toml; check it: pe-dvc mirror verify {added.name}")


@command.command("list")
@click.option(
    "--preservation",
    is_flag=True,
    help="Print the preservation_mirrors of each dataset, as release manifests have them (JSON).",
)
@json_option
def list_(preservation: bool, as_json: bool) -> None:
    """List the mirrors that are declared."""
    from pe_dvc import Repo

    mirrors = Repo().mirror
    if preservation:
        copies = mirrors.preservation().items()
        print_json({name: [c.model_dump(exclude_none=True) for c in of] for name, of in copies})
        return
    found = mirrors.list()
    if as_json:
        print_json(found)
        return
    names = max((len(one.name) for one in found), default=0)
    urls = max((len(one.url) for one in found), default=0)
    for one in found:
        doi = f"  doi:{one.doi}" if one.doi else ""
        echo(f"{one.name:<{names}}  {one.url:<{urls}}  {one.holds}{doi}")
    say(counted(len(found), "mirror"))


@command.command("remove")
@click.argument("name")
@json_option
def remove(name: str, as_json: bool) -> None:
    """Declare the mirror NAME no more; what it holds stays there."""
    from pe_dvc import Repo

    removed = Repo().mirror.remove(name)
    if as_json:
        print_json(removed)
        return
    say(f"removed    {removed.name}; what is in {removed.url} stays there")


@command.command("restore")
@click.argument("name")
@store_option
@json_option
@click.pass_context
def restore(ctx: click.Context, name: str, store: str | None, as_json: bool) -> None:
    """Fill a bucket that was lost from the mirror NAME.

    Copies what the bucket lacks, each object held against its digest, and the signed state last,
    whose versions go on: readers notice nothing. One that is cut off is completed by the next.
    """
    from pe_dvc import Repo

    done = Repo().mirror.restore(name, store=store, progress=True)
    if as_json:
        print_json(done)
    else:
        _say_synced(done)
        say("next       pe-dvc push, which adds what the mirror lacks; then pe-dvc fsck")
    if not done.ok:
        ctx.exit(CHECK_FAILED)


@command.command("sync")
@click.argument("names", nargs=-1)
@click.option("--recheck", is_flag=True, help="Hash what is there already; replace what differs.")
@store_option
@json_option
@click.pass_context
def sync(
    ctx: click.Context,
    names: tuple[str, ...],
    recheck: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """Bring mirrors to the bucket's state, all unless NAMES are given.

    Copies what is missing, each object held against its digest; removes what was withdrawn.
    Readers of a mirror see its old state until all of the new one is there. One that is cut off
    is completed by the next.
    """
    from pe_dvc import Repo

    share_arenas()
    done = Repo().mirror.sync(names, store=store, recheck=recheck, progress=True)
    _report(ctx, done, _say_synced, as_json=as_json)


def _report(
    ctx: click.Context,
    found: Sequence[Outcome],
    say_one: Callable[[Outcome], None],
    *,
    as_json: bool,
) -> None:
    """Print what became of each mirror, and end with 1 unless all is well with each."""
    if as_json:
        print_json(found)
    else:
        for one in found:
            say_one(one)
    if not all(one.ok for one in found):
        ctx.exit(CHECK_FAILED)


def _say_synced(one: Synced) -> None:
    before = f" (was {one.before or 'empty'})" if one.before != one.version else ""
    by_server = f", {one.by_server} of them by the server" if one.by_server else ""
    say(
        f"{one.name}: state {one.version}{before}; copied {counted(one.copied, 'object')} "
        f"({bytes_text(one.copied_bytes)}){by_server}; {one.present} there already"
    )
    for key in one.removed:
        say(f"withdrawn, removed: {key}")
    for key, why in one.left.items():
        say(f"withdrawn, still there: {key or 'all of it'}: {why}")
    if one.left_out:
        left_out = counted(one.left_out, "artifact")
        say(f"{one.name}: {left_out} left out, as the mirror is declared")
    if one.elsewhere:
        say(f"{counted(one.elsewhere, 'payload')} not copied: they lie on a hub")
    for lacking in one.lacking:
        say(f"the bucket lacks {lacking.key} ({lacking.what}): {lacking.detail}")


@command.command("verify")
@click.argument("names", nargs=-1)
@click.option("--quick", is_flag=True, help="Compare sizes only; read no payload.")
@store_option
@json_option
@click.pass_context
def verify(
    ctx: click.Context,
    names: tuple[str, ...],
    quick: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """Check mirrors by their own signed metadata, all unless NAMES are given.

    Reads and hashes everything that they promise, and says how far behind the bucket they are.
    Works while the bucket is gone.
    """
    from pe_dvc import Repo

    checks = Repo().mirror.verify(names, store=store, quick=quick, progress=True)
    _report(ctx, checks, _say_check, as_json=as_json)


def _say_check(one: MirrorCheck | HubCheck) -> None:
    for fault in one.faults:
        echo(f"{one.name}  {fault.what}  {fault.key}: {fault.detail}")
    how = "sizes of" if one.quick else "hashed"
    say(
        f"{one.name}: {how} {counted(one.checked, 'object')} ({bytes_text(one.checked_bytes)}); "
        f"{counted(len(one.faults), 'fault')}"
    )
    if hasattr(one, "expires"):  # a store's: a hub has no signed metadata
        _say_state(cast("MirrorCheck", one))


def _say_state(one: MirrorCheck) -> None:
    if one.expired:
        say(f"its metadata expired on {one.expires:%Y-%m-%d at %H:%M} UTC: readers refuse it")
    if one.origin_error is not None:
        say(f"not compared with the bucket: {one.origin_error}")
        say(f"if the bucket was lost, bring it back: pe-dvc mirror restore {one.name}")
    elif one.is_behind:
        roles = ", ".join(f"{role} {ours} -> {new}" for role, (ours, new) in one.behind.items())
        roles = roles or "only renewed"
        say(f"behind: state {one.version}, the bucket has {one.origin_version}: {roles}")
        say(f"bring it up to date: pe-dvc mirror sync {one.name}")
    if one.faults:
        say(f"replace what is altered: pe-dvc mirror sync {one.name} --recheck")
