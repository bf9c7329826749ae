"""What is to be profiled: the places of columns, and of the weight of their rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pe_dvc.documents.places import Link, Place


@dataclass(frozen=True, kw_only=True)
class ColumnPlan:
    """A column; of a key, or of a reference to one, only missing values are counted."""

    place: Place
    entity: str | None
    is_key: bool


@dataclass(frozen=True, kw_only=True)
class TablePlan:
    """A table in one period. ``link`` leads to the weight, where it is in another table."""

    name: str
    entity: str | None
    period: str | None
    rows: int
    columns: tuple[ColumnPlan, ...]
    weight: Place | None
    link: Link | None
    via: str | None
