"""The profile of an artifact: weighted statistics of its columns, in a sidecar of a few KB.

With it any two published versions can be compared, and gates judged, without a payload.
Format: docs/profiles.md, ADR 0020. What may not be said of a gated country is left out, and named
in ``suppressed``; numbers have ten significant digits, so that the same file gives the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from pe_dvc.documents.model import Document, Record, is_empty

if TYPE_CHECKING:
    from collections.abc import Iterator

QUANTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9)
"""The weighted quantiles of a profile, in percent: ``p50`` is the median."""
TOP_RECORDS = 100
TOP_WEIGHT = 0.001
MOST_CATEGORIES = 50


class Category(Record):
    """A value of a column that has few: how many rows have it, and their share of the weight."""

    value: str
    rows: int
    share: float


class ColumnProfile(Record):
    """One column in one period. Missing values count for ``nulls`` and for nothing else."""

    entity: str | None = None
    nulls: int | None = None
    carriers: int | None = None
    """Rows that are neither missing nor zero."""
    weighted_carriers: float | None = None
    total: float | None = None
    mean: float | None = None
    sd: float | None = None
    """The standard deviation of the weighted values, not that of an estimate."""
    quantiles: dict[str, float] = Field(default_factory=dict, exclude_if=is_empty)
    top_100: float | None = None
    """The share of the total of positive values that the 100 rows which add most have."""
    top_weight: float | None = None
    """The share of it that the 0.1 % of the weight with the largest values have."""
    categories: tuple[Category, ...] | None = None
    other: float | None = None
    """The share of the weight of the categories that are not listed."""
    suppressed: tuple[str, ...] = Field(default=(), exclude_if=is_empty)


class WeightProfile(Record):
    """The weight of a table's rows. ``via`` is the entity through which they get it, if another."""

    column: str
    via: str | None = None
    sum: float | None = None
    n_eff: float | None = None
    """Kish's effective number of rows: the square of the sum by the sum of squares."""
    max_over_median: float | None = None
    top_100: float | None = None
    """The share of the weight that the 100 heaviest rows have."""
    suppressed: tuple[str, ...] = Field(default=(), exclude_if=is_empty)


class TableProfile(Record):
    """One table in one period. Without a ``weight`` each row counts once."""

    name: str
    entity: str | None = None
    period: str | None = None
    rows: int
    weight: WeightProfile | None = None
    columns: dict[str, ColumnProfile]


class Profile(Document):
    """The profile of an artifact, and the rule that decided what is said in it."""

    kind: ClassVar[str] = "profile"

    access: str
    minimum_carriers: int
    tables: tuple[TableProfile, ...]

    def find(self, column: str) -> Iterator[tuple[TableProfile, ColumnProfile]]:
        """Yield a column in every period, of the first table that has it."""
        first: str | None = None
        for table in self.tables:
            if column in table.columns and first in (None, table.name):
                first = table.name
                yield table, table.columns[column]


def rounded(number: float) -> float:
    """Return a number with ten significant digits: sums differ in the last ones by machine."""
    return float(f"{number:.10g}")
