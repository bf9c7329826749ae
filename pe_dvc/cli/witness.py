"""``pe-dvc witness``: cosign logs that only grow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from pe_dvc.cli.failures import CHECK_FAILED
from pe_dvc.cli.group import Command, Group
from pe_dvc.cli.output import echo, json_option, print_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

F = TypeVar("F", bound="Callable[..., Any]")


def witness_options(function: F) -> F:
    """Add ``--config`` and ``--key``."""
    key = click.option(
        "--key",
        type=click.Path(dir_okay=False, path_type=Path),
        help="The file of the private key, if it is not the one that the settings name.",
    )
    config = click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        default=Path("witness.toml"),
        help="The witness's settings. Default: witness.toml.",
    )
    return config(key(function))


@click.group("witness", cls=Group)
def command() -> None:
    """Cosign logs that only grow, so that no history is rewritten."""


@command.command("key", cls=Command)
@witness_options
@json_option
def key(config: Path, key: Path | None, as_json: bool) -> None:
    """Print the witness's public key, and make the pair if there is none.

    The private key is never shown. Give the public one to those who are to demand its word.
    """
    import pe_dvc

    text = pe_dvc.Witness(config, key=key).key()
    print_json({"key": text}) if as_json else echo(text)


@command.command("serve", cls=Command)
@witness_options
@click.option("--host", default="127.0.0.1", help="The address to listen on. Default: 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65535), default=8081, help="Default: 8081.")
def serve(config: Path, key: Path | None, host: str, port: int) -> None:
    """Serve C2SP tlog-witness until it is told to end.

    TLS is a proxy's task, in front of it. Ctrl-C and SIGTERM let requests finish that began.
    """
    import pe_dvc
    from pe_dvc.cli.logs import show_logs

    witness = pe_dvc.Witness(config, key=key)
    show_logs(1)
    witness.serve(host=host, port=port)


@command.command("cosign", cls=Command)
@witness_options
@json_option
@click.pass_context
def cosign(ctx: click.Context, config: Path, key: Path | None, as_json: bool) -> None:
    """Cosign what is published now, without a server.

    For a scheduled job that keeps the records in git: it reads each log of witness.toml that has a
    store, and signs its newest state if the log only grew.
    """
    import pe_dvc

    found = pe_dvc.Witness(config, key=key).cosign()
    if as_json:
        print_json(found)
    else:
        for one in found.cosigned:
            echo(f"ok       {one.origin}: {one.before} to {one.size} entries")
        for origin, why in found.refused.items():
            echo(f"refused  {origin}: {why}")
    if found.refused:
        ctx.exit(CHECK_FAILED)
