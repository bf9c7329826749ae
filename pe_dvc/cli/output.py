"""What the commands share: options, results on stdout, messages on stderr."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pe_dvc.primitives.printable import printable, printable_json
from pe_dvc.primitives.redact import redact_text

if TYPE_CHECKING:
    from datetime import timedelta


F = TypeVar("F", bound=Callable[..., Any])


def json_option(function: F) -> F:
    """Add ``--json``: the result as one JSON document on stdout."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def store_option(function: F) -> F:
    """Add ``--store``: where the bucket is."""
    return click.option(
        "--store",
        metavar="URL",
        multiple=True,
        callback=_joined,
        help="The bucket: s3://…, gs://… or a directory; to read, also several, each with its own "
        "--store. Default: PE_DVC_STORE, then the data repo's, then s3://policyengine-data.",
    )(function)


def _joined(_: click.Context, __: click.Parameter, stores: tuple[str, ...]) -> str | None:
    """Return the stores as one text, one a line, as ``PE_DVC_STORE`` has them."""
    return "\n".join(stores) or None


def offline_option(function: F) -> F:
    """Add ``--offline``: answer from what was verified last."""
    return click.option(
        "--offline",
        is_flag=True,
        help="Use locally verified data only; no network access. Shows how old it is.",
    )(function)


def say_age(reference: str, store: str | None) -> None:
    """Say how old the channels are that an offline answer to a country or reference is from."""
    from datetime import UTC, datetime

    import pe_dvc

    country, _, name = reference.removeprefix("pe-data://").partition("/")
    if "@sha256:" not in name:  # a pin always means the same
        age = datetime.now(UTC) - pe_dvc.verified_at(country, store=store)
        say(f"offline: the channels of {country} as verified {age_text(age)} ago")


def age_text(age: timedelta) -> str:
    """Return a time that has passed for a person to read, such as ``3 days``."""
    for unit, seconds in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = int(age.total_seconds() // seconds)
        if count:
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"


def print_json(value: Any) -> None:
    """Print a result, or some of them, as indented JSON: what ``to_json()`` returns of each."""
    from pe_dvc.primitives.result import json_value

    text = json.dumps(json_value(value), indent=2, sort_keys=True, ensure_ascii=False)
    click.echo(printable_json(text))


def print_list(values: Iterable[Any]) -> None:
    """Print a JSON array of what ``--json`` prints of each, one a line, as they come."""
    from pe_dvc.primitives.result import json_value

    separator = "["
    for value in values:
        text = json.dumps(json_value(value), sort_keys=True, ensure_ascii=False)
        click.echo(f"{separator}\n{printable_json(text)}", nl=False)
        separator = ","
    click.echo("[]" if separator == "[" else "\n]")


def print_lines(text: str) -> None:
    """Print a text of several lines, each as ``echo`` does."""
    for line in text.split("\n"):
        echo(line)


def say(text: str) -> None:
    """Say something to a person, on stderr: one line, without passwords and control characters."""
    click.echo(printable(redact_text(text)), err=True)


def echo(text: object = "") -> None:
    """Print one line of a result for a person, whatever strangers wrote into it."""
    click.echo(printable(str(text)))
