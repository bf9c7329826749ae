"""Benchmarks: figures of other sources, such as administrative totals, that data are held to.

The file that ``meta.pe.gates.benchmarks`` names: a list in YAML (docs/gates.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from pe_dvc.documents.calibration_diagnostics import Calibration, chosen_targets
from pe_dvc.documents.gates import Tolerance
from pe_dvc.documents.pydantic_reader import StrictRecord, read_strict
from pe_dvc.documents.row_filter import MOST_FILTERS, Condition, Range
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

Finite = Annotated[float, Field(allow_inf_nan=False)]


class Benchmark(StrictRecord):
    """One figure: what it is of, what it should be, and who says so.

    It is of a ``column`` of the dataset, or of ``measure``, a key of the file of figures.
    """

    name: str
    value: Finite
    tolerance: Tolerance
    """How far the measured one may be from it, as a part of it."""
    column: str | None = None
    table: str | None = None
    statistic: Literal["total", "mean", "carriers", "weighted_carriers"] = "total"
    filter: dict[str, Condition] = Field(default_factory=dict)
    """Of which rows it is: what their columns must be, all of it (``documents.row_filter``)."""
    measure: str | None = None
    source: str
    url: str | None = None
    year: int | str | None = None
    """The period of the data that it is of, where a dataset has several."""

    @property
    def said_by(self) -> str:
        """Who says so, in a few words."""
        when = "" if self.year is None else f" {self.year}"
        return f"{self.source}{when}{f', {self.url}' if self.url else ''}"


def read_benchmarks(content: Mapping[str, Any], *, file: str) -> tuple[Benchmark, ...]:
    """Return the benchmarks of a file with this ``content``.

    Raises FormatError naming the file, the place in it and the remedy.
    """
    found = content.get("benchmarks", [] if "calibration" in content else None)
    if not isinstance(found, list) or not (found or "calibration" in content):
        raise FormatError(
            "expected a list under the key benchmarks",
            where=file,
            remedy="Write benchmarks: and a list, each with name, column or measure, value, "
            "tolerance and source.",
        )
    benchmarks = tuple(
        read_strict(Benchmark, one, file=file, path=f"benchmarks[{number}]")
        for number, one in enumerate(found)
    )
    for number, one in enumerate(benchmarks):
        if (one.column is None) == (one.measure is None):
            raise FormatError(
                f"the benchmark {one.name!r} is of a column and of a measure, or of neither",
                where=f"{file}: benchmarks[{number}]",
                remedy="Name one of the two.",
            )
        _check_filter(one, f"{file}: benchmarks[{number}].filter")
    names = [one.name for one in benchmarks]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise FormatError(f"has two benchmarks {twice!r}", where=file, remedy="Rename one.")
    of = [one.column for one in benchmarks if one.filter]
    many = next((column for column in of if of.count(column) > MOST_FILTERS), None)
    if many is not None:
        raise FormatError(
            f"has {of.count(many)} filters of {many!r}, and {MOST_FILTERS} are judged together",
            where=file,
            remedy="Leave some out.",
        )
    return benchmarks


def read_calibration(content: Mapping[str, Any], *, file: str) -> Calibration | None:
    """Return which targets of a calibration the file names, None for none. Raises FormatError."""
    if "calibration" not in content:
        return None
    return read_strict(Calibration, content["calibration"], file=file, path="calibration")


def calibrated(content: Any, chosen: Calibration) -> list[tuple[Benchmark, Any]]:
    """Return benchmarks of a calibration's file, as JSON ``content``, and what it estimated.

    Raises FormatError, as ``chosen_targets``.
    """
    found = chosen_targets(content, chosen)
    estimates = [one.pop("estimate") for one in found]
    made = [
        read_strict(Benchmark, one, file=chosen.file, path=f"targets {one['name']}")
        for one in found
    ]
    return list(zip(made, estimates, strict=True))


def _check_filter(one: Benchmark, where: str) -> None:
    if one.filter and one.measure is not None:
        raise FormatError(
            f"the benchmark {one.name!r} filters a figure that a model computed",
            where=where,
            remedy="Let the model compute the figure of those rows, or name a column.",
        )
    for column, condition in one.filter.items():
        if isinstance(condition, Range) and condition.is_empty:
            raise FormatError(
                f"the range of {column!r} has no bound, or no number in it",
                where=where,
                remedy="Write min, max or both: from min on, and below max.",
            )


def measured_in(figures: Mapping[str, Any], benchmark: Benchmark, *, file: str) -> float:
    """Return the figure that a model computed: a number, or one for each year.

    Raises FormatError where the file has none.
    """
    found = figures.get(str(benchmark.measure))
    if isinstance(found, dict):
        found = found.get(str(benchmark.year))
    if isinstance(found, bool) or not isinstance(found, int | float) or found - found != 0:
        raise FormatError(
            f"has no number {benchmark.measure!r}"
            + (f" for {benchmark.year}" if benchmark.year is not None else ""),
            where=file,
            remedy=f"The benchmark {benchmark.name!r} asks for it: let the model write it.",
        )
    return float(found)
