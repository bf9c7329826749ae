"""Which reads of a ledger are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True)
class ReadFilter:
    """Which reads are asked for; None is all. ``since`` is included, ``until`` is not."""

    country: str | None = None
    dataset: str | None = None
    person: str | None = None
    project: str | None = None
    raw_source: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    without_grant: bool = False
