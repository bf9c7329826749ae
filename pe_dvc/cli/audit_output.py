"""How reports of a ledger are printed, however long they are."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import click

from pe_dvc.primitives.printable import printable_json
from pe_dvc.primitives.result import json_value

if TYPE_CHECKING:
    from collections.abc import Iterable

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a text for a formula, which strangers must not be able to write."""


def csv_line(values: list[Any]) -> str:
    """Return a line of CSV; lists in a cell are separated by spaces."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([_cell(value) for value in values])
    return line.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        value = " ".join(value)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def print_list(values: Iterable[Any]) -> None:
    """Print a JSON array of what ``--json`` prints of each, one a line, as they come."""
    separator = "["
    for value in values:
        text = json.dumps(json_value(value), sort_keys=True, ensure_ascii=False)
        click.echo(f"{separator}\n{printable_json(text)}", nl=False)
        separator = ","
    click.echo("[]" if separator == "[" else "\n]")
