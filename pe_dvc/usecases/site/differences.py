"""What changed from one version of a dataset to the next, in sections as ``pe-dvc diff`` has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from pe_dvc.documents.diff import Described, compare
from pe_dvc.documents.diff_report import sections
from pe_dvc.documents.movers import movers
from pe_dvc.documents.profile_movers import figures_of
from pe_dvc.usecases.site.safe import safe_changes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.documents.diff import Verdict
    from pe_dvc.documents.diff_report import Section
    from pe_dvc.usecases.site.catalog import DatasetVersion

SHOWN_ROWS = 10
"""Rows of a section on a page: the largest changes come first."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What changed from the version before; ``cut`` says how many rows each section had more."""

    verdict: Verdict
    sections: tuple[Section, ...]
    cut: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class VersionRow:
    """A version and what changed in it; ``difference`` is None where that is not known."""

    version: DatasetVersion
    difference: Difference | None


def version_rows(versions: Sequence[DatasetVersion]) -> tuple[VersionRow, ...]:
    """Return versions, newest first, each with its difference to the one before."""
    found = [
        VersionRow(version=after, difference=difference(before, after))
        for after, before in pairwise(versions)
    ]
    return tuple(found + [VersionRow(version=one, difference=None) for one in versions[-1:]])


def difference(before: DatasetVersion, after: DatasetVersion) -> Difference | None:
    """Return what changed between two versions, None if either could not be read."""
    rule = before.rule.stricter(after.rule)
    was, now = _described(before), _described(after)
    if was is None or now is None:
        return None
    changes = safe_changes(compare(was, now), rule)
    if changes.verdict == "different":
        changes = replace(changes, movers=movers(was.figures, now.figures))
    all_sections = tuple(sections(changes))
    return Difference(
        verdict=changes.verdict,
        sections=tuple(replace(one, rows=one.rows[:SHOWN_ROWS]) for one in all_sections),
        cut=tuple(max(len(one.rows) - SHOWN_ROWS, 0) for one in all_sections),
    )


def _described(version: DatasetVersion) -> Described | None:
    if version.dataset is None:
        return None
    profile = version.dataset.profile
    return Described.of_manifest(
        version.dataset.manifest,
        version.sha256[:12],
        version.rule,
        figures_of(profile) if profile is not None else {},
    )
