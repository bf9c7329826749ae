"""Tables for notebooks: all HTML of pe_dvc is written here.

Names come from a bucket, so every text is escaped, and what it is made of cannot be left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.primitives.printable import brief, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST_ROWS = 1000


def html_table(
    rows: Sequence[Sequence[str]],
    *,
    head: Sequence[str] = (),
    caption: str = "",
    folded: bool = False,
) -> str:
    """Return a table of text; ``folded`` shows its ``caption`` only until one clicks on it."""
    lines = [_row(head, "th")] if head else []
    lines += [_row(row, "td") for row in rows[:MOST_ROWS]]
    if len(rows) > MOST_ROWS:
        lines.append(_row([f"and {len(rows) - MOST_ROWS} more"], "td"))
    table = f"<table>{''.join(lines)}</table>" if lines else ""
    if folded:
        return f"<details><summary>{html_text(caption)}</summary>{table}</details>"
    return f"<p><b>{html_text(caption)}</b></p>{table}" if caption else table


def html_page(title: str, parts: Iterable[str]) -> str:
    """Return a page of tables, to be kept as a file."""
    style = "body{font-family:sans-serif;margin:2em}td,th{padding:.1em .8em;text-align:left}"
    head = f'<meta charset="utf-8"><title>{html_text(title)}</title><style>{style}</style>'
    body = "\n".join([f"<h1>{html_text(title)}</h1>", *parts])
    return f"<!doctype html>\n<html><head>{head}</head>\n<body>{body}</body></html>\n"


def html_progress(text: str, done: int, total: int) -> str:
    """Return a bar with a text beside it."""
    return f'<progress value="{done:d}" max="{total:d}"></progress> {html_text(text)}'


def html_text(text: str) -> str:
    """Return a text as HTML shows it."""
    from html import escape

    return escape(printable(brief(text)))


def _row(cells: Iterable[str], tag: str) -> str:
    inner = "".join(f'<{tag} style="text-align:left">{html_text(cell)}</{tag}>' for cell in cells)
    return f"<tr>{inner}</tr>"
