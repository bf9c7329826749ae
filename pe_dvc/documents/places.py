"""Where values are: a column of a table, in a period; and how tables belong to each other."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Place:
    """A column of a table, in one period where the file has it by period."""

    table: str
    column: str
    period: str | None = None


@dataclass(frozen=True, kw_only=True)
class Link:
    """How the rows of one table belong to those of another: a reference, and the key it names."""

    reference: Place
    key: Place
