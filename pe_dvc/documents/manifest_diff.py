"""What changed from one release to another: datasets, schemas, row counts, inputs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pe_dvc.documents.manifest import Contents, Manifest, Member
    from pe_dvc.documents.provenance import Inputs

Change = tuple[Any, Any]
"""What a value was and what it is; None where there is none."""


@dataclass(frozen=True, kw_only=True)
class DatasetDiff:
    """What changed in one dataset. Tables, columns and inputs are keyed by dotted names.

    ``contents`` has the content digest of each table that has one in both: two different ones, or
    twice the same where other bytes hold the same values.
    """

    name: str
    sha256: Change
    size: Change
    rows: dict[str, Change]
    columns: dict[str, Change]
    """The type of each column, and the type and shape of what is beside tables, that is new, gone
    or of another type."""
    inputs: dict[str, Change]
    contents: dict[str, Change]


@dataclass(frozen=True, kw_only=True)
class ReleaseDiff:
    """What changed between two releases; datasets in the order of their names.

    ``withdrawn`` are those that cannot be compared, each with why it was withdrawn.
    """

    before: str
    after: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[DatasetDiff, ...]
    unchanged: int
    withdrawn: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the difference as plain JSON values."""
        return asdict(self)


def diff_releases(
    before: str, earlier: Mapping[str, Manifest], after: str, later: Mapping[str, Manifest]
) -> ReleaseDiff:
    """Compare the manifests of two releases, ``before`` and ``after``, by dataset name."""
    both = sorted(earlier.keys() & later.keys())
    differing = [name for name in both if _essence(earlier[name]) != _essence(later[name])]
    return ReleaseDiff(
        before=before,
        after=after,
        added=tuple(sorted(later.keys() - earlier.keys())),
        removed=tuple(sorted(earlier.keys() - later.keys())),
        changed=tuple(diff_manifests(earlier[name], later[name]) for name in differing),
        unchanged=len(both) - len(differing),
    )


def diff_manifests(before: Manifest, after: Manifest) -> DatasetDiff:
    """Compare two manifests of one dataset."""
    return DatasetDiff(
        name=after.artifact.name,
        sha256=(before.artifact.sha256, after.artifact.sha256),
        size=(before.artifact.size, after.artifact.size),
        rows=rows_changed(before.table, after.table),
        columns=changes(columns_of(before.table), columns_of(after.table)),
        inputs=changes(inputs_of(before.inputs), inputs_of(after.inputs)),
        contents=_contents(before, after),
    )


def _contents(before: Manifest, after: Manifest) -> dict[str, Change]:
    if before.artifact.sha256 == after.artifact.sha256:
        return {}
    earlier, later = before.table.digests, after.table.digests
    return {name: (earlier[name], later[name]) for name in sorted(earlier.keys() & later.keys())}


def _essence(manifest: Manifest) -> dict[str, Any]:
    return manifest.model_dump(exclude={"build"})


def rows_changed(before: Contents, after: Contents) -> dict[str, Change]:
    """Return the rows of each table that has others now, by period where both have periods.

    An older manifest names no periods: its rows are those of the first one.
    """
    timeless = {table.name for table in (*before.tables, *after.tables) if not table.periods}
    return changes(_rows(before, timeless), _rows(after, timeless))


def _rows(contents: Contents, timeless: Collection[str]) -> dict[str, int]:
    found = {}
    for table in contents.tables:
        first, *later = table.periods or [""]
        name = table.name if table.name in timeless else f"{table.name}/{first}"
        found[name] = table.rows if not table.periods else table.periods[first]
        found |= {f"{table.name}/{period}": table.periods[period] for period in later}
    return found


def columns_of(contents: Contents) -> dict[str, str]:
    """Return the type of each column, and of what is beside tables, by dotted names."""
    columns = {f"{t.name}.{c.name}": c.type for t in contents.tables for c in t.columns}
    return columns | {member.name: _described(member) for member in contents.members}


def _described(member: Member) -> str:
    shape = "" if member.shape is None else f" of {' x '.join(map(str, member.shape))}"
    value = "" if member.value is None else f" = {member.value}"
    return f"{member.type or 'not described'}{shape}{value}"


def inputs_of(inputs: Inputs) -> dict[str, Any]:
    """Return the leaves of a manifest's inputs, by dotted names."""
    exclude = {"composite_digest"}
    return dict(_flat(inputs.model_dump(mode="json", exclude_none=True, exclude=exclude)))


def _flat(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """Return the leaves of ``value`` by their dotted paths; items with a name go by it."""
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list) and value and all(_is_named(item) for item in value):
        items = [(item["name"], item["sha256"]) for item in value]
    else:
        return [(path, value)]
    return [leaf for key, item in items for leaf in _flat(item, f"{path}.{key}" if path else key)]


def _is_named(item: Any) -> bool:
    return isinstance(item, dict) and {"name", "sha256"} <= item.keys()


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Change]:
    """Return what is not the same in both, with both values."""
    return {
        key: (before.get(key), after.get(key))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    }
