"""Figures of a profile on a page: none but what the rule of the dataset allows, and their shape.

A profile was made under a rule that it names. Of a gated dataset it counts only where that rule is
at least as strict as the dataset's: a site is for everyone, who a bucket is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.documents.disclosure import Count
from pe_dvc.primitives.sizes import amount_text, percent_text

if TYPE_CHECKING:
    from pe_dvc.documents.disclosure import Disclosure
    from pe_dvc.documents.profile import ColumnProfile, Profile, TableProfile

WIDTH = 100.0
MOST_BARS = 12

_MARKS = (("p5", "p10", "p1"), ("p25",), ("p50",), ("p75",), ("p95", "p90", "p99"))
"""The quantiles of a strip, from left to right: the first of each that is known."""


@dataclass(frozen=True, kw_only=True)
class Strip:
    """Weighted quantiles on a line that is ``WIDTH`` long: whiskers, a box and the median."""

    low: float
    box: float
    median: float
    box_end: float
    high: float
    text: str

    @property
    def paths(self) -> tuple[tuple[str, str], ...]:
        """The lines of the picture, each by the name of its style."""
        return (
            ("whisker", f"M{self.low:g} 6H{self.high:g}"),
            ("box", f"M{self.box:g} 2H{self.box_end:g}V10H{self.box:g}z"),
            ("median", f"M{self.median:g} 1V11"),
        )


@dataclass(frozen=True, kw_only=True)
class Bar:
    """The share of a category: where its bar is on the line, and how long."""

    start: float
    length: float


@dataclass(frozen=True, kw_only=True)
class Bars:
    """Shares of categories, side by side on a line that is ``WIDTH`` long."""

    bars: tuple[Bar, ...]
    text: str

    @property
    def paths(self) -> tuple[tuple[str, str], ...]:
        """The bars in two colours by turns, each by the name of its style."""
        drawn = [f"M{b.start:g} 2h{b.length:g}v8h-{b.length:g}z" for b in self.bars if b.length]
        found = (("bar", "".join(drawn[::2])), ("bar tone", "".join(drawn[1::2])))
        return tuple((name, path) for name, path in found if path)


def allowed(profile: Profile | None, rule: Disclosure) -> Profile | None:
    """Return a profile if all that it says may be said under a rule, else None."""
    if profile is None or not rule.is_gated:
        return profile
    strict = profile.access == "gated" and profile.minimum_carriers >= rule.minimum_carriers
    return profile if strict else None


def rows_text(rows: int, rule: Disclosure) -> str:
    """Return a number of rows as it may be said."""
    said = rule.number(Count(rows, "row"))
    return f"fewer than {rule.minimum_carriers}" if said is None else f"{said:,}"


Figures = dict[tuple[str, str], "tuple[TableProfile, ColumnProfile]"]


def figures_by_column(profile: Profile | None) -> Figures:
    """Return the figures of each column by table and name, of several periods the first one's."""
    found: Figures = {}
    for table in profile.tables if profile is not None else ():
        for name, column in table.columns.items():
            found.setdefault((table.name, name), (table, column))
    return found


def share_of_non_zero(table: TableProfile, column: ColumnProfile) -> float | None:
    """Return the weighted share of rows that are neither missing nor zero, None if not known.

    Of the weight's own column the profile counts rows, so the share is one of rows.
    """
    weight = table.weight
    if weight is not None and weight.via is None and column is table.columns.get(weight.column):
        return column.carriers / table.rows if column.carriers is not None and table.rows else None
    whole = table.weight.sum if table.weight is not None else None
    if column.weighted_carriers is not None and whole:
        return column.weighted_carriers / whole
    if table.weight is None and column.carriers is not None and table.rows:
        return column.carriers / table.rows
    return None


def shape_of(column: ColumnProfile) -> Strip | Bars | None:
    """Return what a small picture of a column shows, None where the profile has too little."""
    if column.categories:
        return _bars(column)
    return _strip(column.quantiles)


def _bars(column: ColumnProfile) -> Bars:
    bars, texts, start = [], [], 0.0
    for category in (column.categories or ())[:MOST_BARS]:
        length = max(category.share, 0.0) * WIDTH
        bars.append(Bar(start=round(start, 1), length=round(length, 1)))
        texts.append(f"{category.value} {percent_text(category.share)}")
        start += length
    more = len(column.categories or ()) - MOST_BARS
    texts += [f"and {more} more"] if more > 0 else []
    texts += [f"others {percent_text(column.other)}"] if column.other else []
    return Bars(bars=tuple(bars), text=", ".join(texts))


def _strip(quantiles: dict[str, float]) -> Strip | None:
    named = [next((n for n in names if n in quantiles), None) for names in _MARKS]
    if None in named:
        return None
    values = [quantiles[str(name)] for name in named]
    span = values[-1] - values[0]
    if not 0 < span < float("inf"):
        return None
    at = [round((value - values[0]) / span * WIDTH, 1) for value in values]
    pairs = zip(named, values, strict=True)
    text = ", ".join(f"{name} {amount_text(value)}" for name, value in pairs)
    return Strip(low=at[0], box=at[1], median=at[2], box_end=at[3], high=at[4], text=text)
