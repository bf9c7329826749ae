"""Costs against the number of datasets: a table with fitted exponents, and a plot in text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_BARS = 40


@dataclass(frozen=True)
class Cost:
    """What one command took with so many datasets: bytes both ways, and CPU in seconds."""

    work: str
    form: str
    count: int
    requests: int
    bytes: int
    cpu: float


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope of the line through the logarithms of x and y, by least squares."""
    logs = [(math.log(x), math.log(max(y, 1e-9))) for x, y in points]
    mean_x = sum(x for x, _ in logs) / len(logs)
    mean_y = sum(y for _, y in logs) / len(logs)
    spread = sum((x - mean_x) ** 2 for x, _ in logs)
    return sum((x - mean_x) * (y - mean_y) for x, y in logs) / spread


def report(costs: Sequence[Cost]) -> str:
    """Return the table of all costs, with fitted exponents, and a plot of bytes."""
    counts = sorted({cost.count for cost in costs})
    lines = [
        "| work | channel | " + " | ".join(f"{count:,}" for count in counts) + " | exponents |",
        "|---|---|" + "---|" * (len(counts) + 1),
    ]
    plot = []
    for work in dict.fromkeys(cost.work for cost in costs):
        for form in dict.fromkeys(cost.form for cost in costs):
            row = sorted(
                (cost for cost in costs if (cost.work, cost.form) == (work, form)),
                key=lambda cost: cost.count,
            )
            cells = [f"{c.requests} requests, {c.bytes / 1e3:,.1f} KB, {c.cpu:.2f} s" for c in row]
            lines.append(f"| {work} | {form} | {' | '.join(cells)} | {_exponents(row)} |")
            plot += [f"{work:<24} {form:<9} {c.count:>6,} {_bar(c.bytes)}" for c in row]
    return "\n".join([*lines, "", "Bytes; each # is a factor of 1.6 from 100 bytes on:", *plot])


def _exponents(row: Sequence[Cost]) -> str:
    if len(row) < 2:
        return ""
    fits = {
        "requests": exponent([(cost.count, cost.requests) for cost in row]),
        "bytes": exponent([(cost.count, cost.bytes) for cost in row]),
        "CPU": exponent([(cost.count, cost.cpu) for cost in row]),
    }
    return ", ".join(f"{name} {fit:.2f}" for name, fit in fits.items())


def _bar(count: int) -> str:
    length = round(math.log(max(count, 100) / 100) / math.log(1.6))
    return "#" * min(length, _BARS) + f" {count:,}"
