"""Benchmarks from what a calibration says of its targets: ``calibration_diagnostics.json``.

The file that PolicyEngine publishes with a release: a list ``targets``, each with its ``name``,
the ``target`` and the ``final_estimate``, and in files of today ``period`` and ``source``.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from pe_dvc.documents.gates import Tolerance
from pe_dvc.documents.pydantic_reader import StrictRecord
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.wildcards import fits

MOST = 200
"""Targets that are chosen at most: each is a result that is signed."""


class Calibration(StrictRecord):
    """Which targets of which file are benchmarks, and how near the estimates must be."""

    file: str
    targets: Annotated[list[str], Field(min_length=1)]
    """Names of targets; ``*`` stands for any text."""
    tolerance: Tolerance


def chosen_targets(content: Any, chosen: Calibration) -> list[dict[str, Any]]:
    """Return the benchmarks that a calibration's file, as JSON ``content``, gives, by their fields.

    Each has its ``estimate`` beside them. Raises FormatError for a file of another form, for names
    that no target has, and for too many.
    """
    rows = content.get("targets") if isinstance(content, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise FormatError(
            "has no list of targets",
            where=chosen.file,
            remedy="Name the calibration_diagnostics.json of a calibration.",
        )
    found: dict[str, dict[str, Any]] = {}
    for pattern in chosen.targets:
        named = [row for row in rows if fits(str(row.get("name")), tuple(pattern.split("*")))]
        if not named:
            raise FormatError(
                f"has no target {pattern!r}", where=chosen.file, remedy="Correct the name."
            )
        found |= {str(row["name"]): row for row in named}
    if len(found) > MOST:
        raise FormatError(
            f"{len(found)} targets are chosen, and {MOST} may be",
            where=chosen.file,
            remedy="Choose the totals that matter: each is a result that is signed.",
        )
    return [_benchmark(name, row, chosen) for name, row in found.items()]


def _benchmark(name: str, row: dict[str, Any], chosen: Calibration) -> dict[str, Any]:
    target, estimate = row.get("target"), row.get("final_estimate")
    for number in (target, estimate):
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise FormatError(
                f"the target {name!r} or its final_estimate is {number!r}: expected a number",
                where=chosen.file,
                remedy="Leave it out of the targets that are chosen.",
            )
    period = row.get("period")
    return {
        "name": name,
        "measure": name,
        "value": target,
        "tolerance": chosen.tolerance,
        "source": str(row.get("source") or f"a calibration target in {chosen.file}"),
        "year": period if isinstance(period, int | str) else None,
        "estimate": estimate,
    }
