"""``pe-dvc gateway``: hand out gated data to named people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from pe_dvc.cli.group import Command, Group
from pe_dvc.cli.output import echo, json_option, print_json, say

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

F = TypeVar("F", bound="Callable[..., Any]")


def config_option(function: F) -> F:
    """Add ``--config``: the gateway's settings."""
    return click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        default=Path("gateway.toml"),
        help="The gateway's settings. Default: gateway.toml.",
    )(function)


@click.group("gateway", cls=Group)
def command() -> None:
    """Hand out gated data to named people, and note each read."""


@command.command("serve", cls=Command)
@config_option
@click.option("--host", default="127.0.0.1", help="The address to listen on. Default: 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, help="Default: 8080.")
@click.option(
    "--metrics-port",
    type=click.IntRange(1, 65535),
    help="A port of this machine with figures for Prometheus.",
)
@click.option(
    "--proxies",
    default="127.0.0.1",
    metavar="ADDRESSES",
    help="Whose X-Forwarded-For counts as the reader's address, comma-separated.",
)
def serve(config: Path, host: str, port: int, metrics_port: int | None, proxies: str) -> None:
    """Serve the countries of the settings until it is told to end.

    TLS is a proxy's task, in front of it. Ctrl-C and SIGTERM let reads finish that began, for half
    a minute at most. One line of JSON a request goes to stderr, without tokens and names.
    """
    import pe_dvc
    from pe_dvc.cli.logs import show_logs

    gateway = pe_dvc.Gateway(config)
    show_logs(1)
    gateway.serve(host=host, port=port, metrics_port=metrics_port, proxies=proxies)


@command.group("token", cls=Group)
def token() -> None:
    """Make and revoke personal access tokens."""


@token.command("create", cls=Command)
@click.argument("person")
@config_option
@click.option("--country", help="Good for this country only.")
@click.option("--project", help="Good for this project only; reads need not name it then.")
@click.option(
    "--dataset",
    "datasets",
    metavar="PATTERN",
    multiple=True,
    help="Good for these datasets only, such as frs_*; can be repeated.",
)
@click.option("--days", type=int, default=90, help="For how many days. Default: 90.")
@json_option
def create(
    person: str,
    config: Path,
    country: str | None,
    project: str | None,
    datasets: tuple[str, ...],
    days: int,
    as_json: bool,
) -> None:
    """Make a token for PERSON, as access.yaml names them, and print it.

    It is shown this once: only its sha256 is kept. It grants nothing that access.yaml does not.
    """
    import pe_dvc

    made = pe_dvc.Gateway(config).create_token(
        person, country=country, project=project, datasets=datasets, days=days
    )
    if as_json:
        print_json(made)
        return
    # Not by ``echo``, which takes tokens out of all that is printed.
    click.echo(made.secret)
    say(f"{made.token.id} is for {person} until {made.token.expires}; it is not shown again.")


@token.command("list", cls=Command)
@config_option
@json_option
def list_tokens(config: Path, as_json: bool) -> None:
    """List all tokens that were made, the oldest first."""
    import pe_dvc

    tokens = pe_dvc.Gateway(config).tokens()
    if as_json:
        print_json(tokens)
        return
    for one in tokens:
        limits = [one.country, one.project, *(one.datasets or ())]
        said = " ".join(limit for limit in limits if limit) or "everything"
        echo(f"{one.id}  {one.state:<7}  {one.expires}  {one.person}  {said}")


@token.command("revoke", cls=Command)
@click.argument("token_id", metavar="ID")
@config_option
@json_option
def revoke(token_id: str, config: Path, as_json: bool) -> None:
    """Let a token be worth nothing, from the next request on."""
    import pe_dvc

    revoked = pe_dvc.Gateway(config).revoke_token(token_id)
    print_json(revoked) if as_json else echo(revoked.id)
    say(f"the token of {revoked.person} is revoked")
