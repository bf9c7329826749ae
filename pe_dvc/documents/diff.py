"""What changed from one published state of datasets to another, by all that is known of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pe_dvc.documents.manifest_diff import (
    Change,
    changes,
    columns_of,
    inputs_of,
    rows_changed,
)
from pe_dvc.primitives.printable import brief, printable
from pe_dvc.primitives.result import Result, field_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pe_dvc.documents.disclosure import Disclosure
    from pe_dvc.documents.manifest import Contents, Manifest
    from pe_dvc.documents.movers import Figure, Mover
    from pe_dvc.documents.provenance import Inputs
    from pe_dvc.documents.row_changes import RowChanges

SCHEMA_VERSION = 1
Verdict = Literal["same bytes", "same values", "different"]
"""``same values`` in other bytes: only the encoding changed."""


@dataclass(frozen=True, kw_only=True)
class Described:
    """A dataset on one side: what its manifest says, or of a file what was found in it.

    ``inputs`` is None of a file. ``figures`` are those of its profile, where it has one.
    """

    name: str
    label: str
    contents: Contents
    sha256: str
    size: int
    rule: Disclosure
    inputs: Inputs | None = None
    built_at: str | None = None
    is_directory: bool = False
    figures: Mapping[Figure, float] = field(default_factory=dict)

    @classmethod
    def of_manifest(
        cls, manifest: Manifest, label: str, rule: Disclosure, figures: Mapping[Figure, float]
    ) -> Described:
        """Return what a manifest says, and its profile's ``figures``."""
        return cls(
            name=manifest.artifact.name,
            label=label,
            contents=manifest.table,
            sha256=str(manifest.artifact.sha256),
            size=manifest.artifact.size,
            rule=rule,
            inputs=manifest.inputs,
            built_at=manifest.build.built_at,
            figures=figures,
            is_directory=manifest.artifact.is_directory,
        )


@dataclass(frozen=True, kw_only=True)
class Version(Result):
    """One side of a dataset: what it was called, and its bytes."""

    label: str
    sha256: str
    size: int
    built_at: str | None


@dataclass(frozen=True, kw_only=True)
class DatasetChanges(Result):
    """What changed in one dataset. Tables, columns and inputs are keyed by dotted names.

    ``content`` says of each table whether its values are the ``same`` or ``different``, or
    ``unknown``. ``rows`` has a table's periods one by one. ``changes`` are of the rows themselves,
    where both payloads were read.
    """

    name: str
    before: Version
    after: Version
    verdict: Verdict
    content: dict[str, str]
    rows: dict[str, Change]
    columns: dict[str, Change]
    meaning: dict[str, Change]
    inputs: dict[str, Change]
    movers: tuple[Mover, ...] = ()
    changes: tuple[RowChanges, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_same(self) -> bool:
        """Tell whether the values are the same."""
        return self.verdict != "different"

    def to_text(self) -> Iterator[str]:
        """Yield the lines that a terminal shows."""
        from pe_dvc.documents.diff_report import dataset_lines

        return dataset_lines(self)

    def is_over(self, limit: float) -> bool:
        """Tell whether a figure or a number of rows moved by more than ``limit``.

        A column, table or period that went or came is more than any.
        """
        lost = any(None in change for change in self.columns.values())
        both = self.rows.values()
        rows = (not was or now is None or abs(now / was - 1) > limit for was, now in both)
        moved = (mover.is_over(limit) for mover in self.movers if mover.is_main)
        return lost or any(rows) or any(moved)


@dataclass(frozen=True, kw_only=True, repr=False)
class Diff(Result):
    """What changed from ``before`` to ``after``; datasets in the order of their names.

    ``withdrawn`` are those that cannot be compared, each with why it was withdrawn.
    """

    before: str
    after: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    datasets: tuple[DatasetChanges, ...]
    unchanged: int
    withdrawn: dict[str, str] = field(default_factory=dict)

    @property
    def is_same(self) -> bool:
        """Tell whether both have the same datasets with the same values."""
        moved = self.added or self.removed or self.withdrawn
        return not moved and all(d.is_same for d in self.datasets)

    def is_over(self, limit: float) -> bool:
        """Tell whether anything moved by more than ``limit``, such as 0.02, came or went."""
        gone = bool(self.added or self.removed or self.withdrawn)
        return gone or any(one.is_over(limit) for one in self.datasets if not one.is_same)

    def to_text(self) -> Iterator[str]:
        """Yield the lines that a terminal shows."""
        from pe_dvc.documents.diff_report import text_lines

        return text_lines(self)

    def to_markdown(self) -> Iterator[str]:
        """Yield the lines of Markdown."""
        from pe_dvc.documents.diff_report import markdown

        return markdown(self)

    def to_html(self) -> str:
        """Return a page of HTML."""
        from pe_dvc.documents.diff_report import html

        return html(self)

    def __repr__(self) -> str:
        from pe_dvc.documents.diff_report import summary

        said = f"{brief(self.before)} → {brief(self.after)}: {summary(self)}"
        return f"<Diff {printable(said)}>"

    def _repr_html_(self) -> str:
        from pe_dvc.documents.diff_report import notebook_html

        return notebook_html(self)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values: docs/diff.md has their schema."""
        return {"schema_version": SCHEMA_VERSION, "same": self.is_same, **field_values(self)}


def compare(before: Described, after: Described) -> DatasetChanges:
    """Compare two descriptions of a dataset, without its payloads."""
    content = _content(before.contents, after.contents)
    verdict: Verdict = "different"
    if before.sha256 == after.sha256:
        verdict = "same bytes"
    elif after.contents.has_values_of(before.contents):
        verdict = "same values"
    was, now = before.inputs, after.inputs
    return DatasetChanges(
        name=after.name,
        before=_version(before),
        after=_version(after),
        verdict=verdict,
        content=content,
        rows=rows_changed(before.contents, after.contents),
        columns=changes(columns_of(before.contents), columns_of(after.contents)),
        meaning=changes(_meaning(before.contents), _meaning(after.contents)),
        inputs=changes(inputs_of(was), inputs_of(now)) if was and now else {},
    )


def _version(side: Described) -> Version:
    return Version(label=side.label, sha256=side.sha256, size=side.size, built_at=side.built_at)


def _content(before: Contents, after: Contents) -> dict[str, str]:
    """Say of each table of both whether its values are the same, as far as digests show."""
    was, now = before.digests, after.digests
    found = {}
    for name in sorted({t.name for t in before.tables} & {t.name for t in after.tables}):
        known = name in was and name in now
        found[name] = "unknown" if not known else "same" if was[name] == now[name] else "different"
    return found


def _meaning(contents: Contents) -> dict[str, str]:
    keys = {f"key of {name}": entity.key for name, entity in contents.entities.items()}
    references = {
        f"{other} of {name}": column
        for name, entity in contents.entities.items()
        for other, column in entity.references.items()
    }
    weight = {"weight": contents.weight} if contents.weight else {}
    return keys | references | weight | {"format": contents.format}
