"""A difference for people to read: sections of rows, the cause first, as text, Markdown or HTML.

``documents.diff`` imports this, so that its types are not imported here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.row_changes import ROWS
from pe_dvc.primitives.html_table import html_page, html_table
from pe_dvc.primitives.markdown import markdown_text
from pe_dvc.primitives.sizes import amount_text, counted, percent_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pe_dvc.documents.manifest_diff import Change
    from pe_dvc.documents.movers import Mover
    from pe_dvc.documents.row_changes import RowChanges, Where

SHOWN = 8
"""Rows of a section that a terminal shows."""
WHERE = "the change is in"
"""A section whose numbers need the heads of their columns on a terminal, too."""
ALSO = ("p50", "p99", "p99.9")
"""Quantiles that are shown beside a column's total."""
TOLD = 200
"""Rows of a section in Markdown and HTML."""


@dataclass(frozen=True)
class Section:
    """Some rows of text below a title."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def text_lines(diff: Any) -> Iterator[str]:
    """Yield the lines for a terminal."""
    yield from _lists(diff)
    for dataset in diff.datasets:
        yield from dataset_lines(dataset)
    if diff.unchanged or not diff.datasets:
        yield f"{counted(diff.unchanged, 'dataset')} unchanged"


def dataset_lines(dataset: Any) -> Iterator[str]:
    """Yield those of one dataset."""
    yield f"~ {_headline(dataset)}"
    for section in sections(dataset):
        yield f"  {section.title}"
        head = (section.head,) if section.title == WHERE else ()
        yield from _columns([*head, *section.rows[:SHOWN]])
        if len(section.rows) > SHOWN:
            yield f"    and {len(section.rows) - SHOWN} more: --json, --markdown or --html"
    yield from (f"  {note}" for note in dataset.notes)


def markdown(diff: Any) -> Iterator[str]:
    """Yield the lines of Markdown that fits a pull request: the first rows, the rest folded."""
    yield f"### {markdown_text(diff.before)} → {markdown_text(diff.after)}"
    yield ""
    for line in _lists(diff):
        yield f"- {markdown_text(line)}"
    for dataset in diff.datasets:
        yield f"**{markdown_text(_headline(dataset))}**"
        yield ""
        for number, section in enumerate(sections(dataset)):
            yield from _markdown_section(section, folded=number >= 2)
        for note in dataset.notes:
            yield f"{markdown_text(note)}"
            yield ""
    if diff.unchanged or not diff.datasets:
        yield f"{counted(diff.unchanged, 'dataset')} unchanged."


def html(diff: Any) -> str:
    """Return a page."""
    return html_page(f"{diff.before} → {diff.after}", _html_parts(diff))


def notebook_html(diff: Any) -> str:
    """Return the tables of the page, as a notebook shows them."""
    head = f"{diff.before} → {diff.after}: {summary(diff)}"
    return "".join([html_table([], caption=head), *_html_parts(diff)])


def summary(diff: Any) -> str:
    """Return how many datasets changed, came and went, in a few words."""
    verdicts = [dataset.verdict for dataset in diff.datasets]
    counts = (
        (verdicts.count("different"), "different"),
        (verdicts.count("same values"), "with the same values in other bytes"),
        (len(diff.added), "added"),
        (len(diff.removed), "removed"),
        (len(diff.withdrawn), "withdrawn"),
        (diff.unchanged + verdicts.count("same bytes"), "unchanged"),
    )
    return ", ".join(f"{number} {word}" for number, word in counts if number) or "no datasets"


def _html_parts(diff: Any) -> list[str]:
    listed = [(line,) for line in _lists(diff)]
    parts = [html_table(listed)] if listed else []
    for dataset in diff.datasets:
        parts.append(html_table([(note,) for note in dataset.notes], caption=_headline(dataset)))
        parts += [
            html_table(section.rows, head=section.head, caption=section.title, folded=number >= 2)
            for number, section in enumerate(sections(dataset))
        ]
    return parts


def sections(dataset: Any) -> Iterator[Section]:
    """Yield what there is to say of a dataset: what moved, where, then all else."""
    found = [
        Section(
            "moved most",
            ("figure", "before", "after", "change", "of the same column"),
            tuple(_movers(dataset.movers)),
        ),
        Section(
            WHERE,
            ("of", "part of it", "in rows with", "which are of all", "times", "rows"),
            tuple(_where(where) for table in dataset.changes for where in table.where),
        ),
        Section(
            "rows",
            ("table", "compared by", "added", "removed", "changed", "unchanged"),
            tuple(map(_rows, dataset.changes)),
        ),
        Section(
            "columns that changed",
            ("column", "rows"),
            tuple(
                (column.column, _number(column.rows))
                for table in dataset.changes
                for column in table.columns
                if column.rows != 0
            ),
        ),
        Section(
            "number of rows",
            ("table", "before", "after", "change"),
            tuple(map(_row_count, dataset.rows.items())),
        ),
        _plain("schema", dataset.columns),
        _plain("meaning", dataset.meaning),
        _plain("inputs", dataset.inputs),
    ]
    yield from (section for section in found if section.rows)


def _lists(diff: Any) -> Iterator[str]:
    for sign, names in (("+", diff.added), ("-", diff.removed)):
        yield from (f"{sign} {name}" for name in names)
    yield from (f"! {name}: {why}" for name, why in diff.withdrawn.items())


def _headline(dataset: Any) -> str:
    said = {
        "same bytes": "the same bytes",
        "same values": "the same values in other bytes: only the encoding changed",
        "different": "different",
    }[dataset.verdict]
    same = [name for name, found in dataset.content.items() if found == "same"]
    if dataset.verdict == "different" and same:
        said = f"{said}; the same values in {', '.join(same)}"
    return f"{dataset.name}: {said}"


def _movers(movers: Sequence[Mover]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each column, in the order of its total; what else of it moved in short."""
    columns: dict[tuple[str, str | None, str], list[Mover]] = {}
    for mover in movers:
        columns.setdefault((mover.table, mover.period, mover.column), []).append(mover)
    found = []
    for own in columns.values():
        lead = next((m for m in own if m.statistic == "total"), own[0])
        others = [m for m in own if m is not lead and (m.is_main or m.statistic in ALSO)][:3]
        found.append((lead, [f"{m.statistic} {_change(m)}" for m in others]))
    order = {id(mover): place for place, mover in enumerate(movers)}
    for lead, also in sorted(found, key=lambda pair: order[id(pair[0])]):
        yield (*_mover(lead), ", ".join(also))


def _mover(mover: Mover) -> tuple[str, ...]:
    place = f"{mover.table}." if mover.table else ""
    period = f" in {mover.period}" if mover.period else ""
    name = f"{mover.statistic} of {place}{mover.column}{period}"
    show = percent_text if mover.is_share else amount_text
    return name, show(mover.before), show(mover.after), _change(mover)


def _change(mover: Mover) -> str:
    if mover.is_share:
        return f"{(mover.after - mover.before) * 100:+.2g} points"
    return "from zero" if mover.change is None else percent_text(mover.change, signed=True)


def _where(where: Where) -> tuple[str, ...]:
    of = "changed rows" if where.change == ROWS else f"total of {where.change}"
    return (
        of,
        percent_text(where.share_of_change),
        f"{where.column}: {where.bucket}",
        percent_text(where.share_of_all),
        f"×{where.ratio:,.3g}",
        f"{where.rows:,}",
    )


def _rows(table: RowChanges) -> tuple[str, ...]:
    name = table.table if table.period is None else f"{table.table}/{table.period}"
    if table.reason is not None:
        return name, f"not compared: {table.reason}", "", "", "", ""
    part = ""
    if table.weight_changed is not None and table.weight is not None:
        part = f" ({percent_text(table.weight_changed)} of {table.weight})"
    unchanged = (
        "few or all"
        if None in (table.after, table.added, table.changed)
        else f"{(table.after or 0) - (table.added or 0) - (table.changed or 0):,}"
    )
    return (
        name,
        f"by {table.key}",
        f"{_number(table.added)} added",
        f"{_number(table.removed)} removed",
        f"{_number(table.changed)} changed{part}",
        f"{unchanged} unchanged",
    )


def _row_count(item: tuple[str, Change]) -> tuple[str, ...]:
    name, (before, after) = item
    change = percent_text(after / before - 1, signed=True) if before and after else ""
    return name, _plain_value(before), _plain_value(after), change


def _plain(title: str, changes: Mapping[str, Change]) -> Section:
    rows = tuple(
        (key, _plain_value(before), _plain_value(after)) for key, (before, after) in changes.items()
    )
    return Section(title, ("", "before", "after"), rows)


def _plain_value(value: Any) -> str:
    return "none" if value is None else f"{value:,}" if type(value) is int else str(value)


def _number(count: int | None) -> str:
    return "few or almost all" if count is None else f"{count:,}"


def _columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield f"    {'  '.join(cells)}".rstrip()


def _markdown_section(section: Section, *, folded: bool) -> Iterator[str]:
    if folded:
        yield f"<details><summary>{section.title} ({len(section.rows)})</summary>"
        yield ""
    else:
        yield section.title
        yield ""
    yield f"| {' | '.join(section.head)} |"
    yield f"|{'---|' * len(section.head)}"
    shown = TOLD if folded else SHOWN
    for row in section.rows[:shown]:
        yield f"| {' | '.join(map(markdown_text, row))} |"
    yield ""
    if len(section.rows) > shown:
        yield f"and {len(section.rows) - shown} more"
        yield ""
    if folded:
        yield "</details>"
        yield ""
