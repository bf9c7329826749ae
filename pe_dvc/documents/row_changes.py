"""What changed in the rows of a table, and where the change concentrates: plain results.

Every number in them was let out by the country's rule (``documents.disclosure``): one that may not
be said is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pe_dvc.primitives.result import Result, field_values

ROWS = "rows"
"""What changed where it is the rows themselves, and no column's total."""


@dataclass(frozen=True, kw_only=True)
class ColumnChange(Result):
    """A column, and in how many of the rows with the same key it has another value.

    ``before`` and ``after`` are its totals over all rows, weighted where there is a weight; None
    of what is no number.
    """

    column: str
    rows: int | None
    before: float | None = None
    after: float | None = None

    @property
    def change(self) -> float | None:
        """The relative change of the total, None where there is none or it was zero."""
        if self.before is None or self.after is None or not self.before:
            return None
        return self.after / self.before - 1

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values, with the change."""
        return {**field_values(self), "change": self.change}


@dataclass(frozen=True, kw_only=True)
class Where(Result):
    """A group of rows in which a change concentrates.

    ``change`` is ``rows``, or the column whose total moved. The group is named by ``column`` and
    ``bucket``: a category, or a range of quantiles such as ``top 0.1%``. ``share_of_change`` of
    the change is in there, and ``share_of_all`` of the population before, both weighted; ``ratio``
    is how many times the group is over-represented.
    """

    change: str
    column: str
    bucket: str
    rows: int
    share_of_change: float
    share_of_all: float

    @property
    def ratio(self) -> float:
        """How many times more of the change is in there than of the population."""
        return self.share_of_change / self.share_of_all

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values, with the ratio."""
        return {**field_values(self), "ratio": self.ratio}


@dataclass(frozen=True, kw_only=True)
class RowChanges(Result):
    """The rows of a table by their key, before and after; ``weight`` is the column they count by.

    ``reason`` says why rows could not be compared; then all the rest is empty. ``columns`` are
    those that changed, most rows first. ``weight_changed`` is the part of the population after
    that the changed and added rows stand for.
    """

    table: str
    period: str | None = None
    key: str | None = None
    weight: str | None = None
    reason: str | None = None
    before: int | None = None
    after: int | None = None
    added: int | None = None
    removed: int | None = None
    changed: int | None = None
    weight_changed: float | None = None
    columns: tuple[ColumnChange, ...] = ()
    where: tuple[Where, ...] = ()

    @property
    def is_same(self) -> bool:
        """Tell whether no row differs."""
        return self.reason is None and (self.added, self.removed, self.changed) == (0, 0, 0)
