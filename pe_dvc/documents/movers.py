"""Figures of two descriptions of a table, and which of them moved most."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.result import Result, field_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAIN = frozenset(["total", "sum", "mean", "weights: sum", "weights: n_eff"])
"""Statistics that gates of CI look at, beside shares: others move with single rows."""

NEGLIGIBLE = 1e-9
"""A relative change below which a figure has not moved: sums of floats depend on their order."""


@dataclass(frozen=True, order=True)
class Figure:
    """Which figure: a ``statistic`` of a column, such as ``total`` or ``p99``.

    ``is_share`` of one that is part of a whole: its change is a difference, of others a ratio.
    """

    table: str
    period: str | None
    column: str
    statistic: str
    is_share: bool = False


@dataclass(frozen=True, kw_only=True)
class Mover(Result):
    """A figure that moved. ``change`` is relative, of a share the difference.

    It is None where the figure was zero.
    """

    table: str
    period: str | None
    column: str
    statistic: str
    before: float
    after: float
    is_share: bool = False

    @property
    def change(self) -> float | None:
        """How far it moved: 0.5 is half as much again, or of a share 50 points."""
        if self.is_share:
            return self.after - self.before
        return (self.after - self.before) / abs(self.before) if self.before else None

    def is_over(self, limit: float) -> bool:
        """Tell whether it moved by more than ``limit``."""
        return self.change is None or abs(self.change) > limit

    @property
    def is_main(self) -> bool:
        """Tell whether it is a total, a mean, a share, or of the weights as a whole."""
        return self.is_share or self.statistic in MAIN

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values, with its change."""
        return {**field_values(self), "change": self.change}


def movers(before: Mapping[Figure, float], after: Mapping[Figure, float]) -> tuple[Mover, ...]:
    """Return what moved of the figures that both have, the largest first.

    A total that was zero counts as the largest of all, another figure as one that doubled.
    """
    shared = (figure for figure in after if figure in before)
    return ranked(
        Mover(
            table=figure.table,
            period=figure.period,
            column=figure.column,
            statistic=figure.statistic,
            before=before[figure],
            after=after[figure],
            is_share=figure.is_share,
        )
        for figure in shared
    )


def ranked(found: Iterable[Mover]) -> tuple[Mover, ...]:
    """Return those that moved, the largest change first."""
    moved = [mover for mover in found if mover.is_over(NEGLIGIBLE) and mover.before != mover.after]
    return tuple(sorted(moved, key=lambda m: (-_size(m), m.table, m.column, m.statistic)))


def _size(mover: Mover) -> float:
    if mover.is_share:
        # A share of 0.1% that became 0.4% says more than one of 50% that became 50.3%.
        points = abs(mover.after - mover.before)
        return math.sqrt(points * min(points / mover.before, 10.0)) if mover.before else points
    if mover.change is not None:
        return abs(mover.change)
    return math.inf if mover.statistic == "total" else 1.0
