"""``pe-dvc diff``: what changed, from manifests, then profiles, then the rows themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pe_dvc.documents.diff import DatasetChanges, Described, Diff, compare
from pe_dvc.documents.movers import Mover, movers, ranked
from pe_dvc.primitives.errors import FormatError, NotFoundError, PeDvcError, RevokedError
from pe_dvc.primitives.names import say_which_there_are
from pe_dvc.project.diff_files import describe_local, figures_of_file
from pe_dvc.project.diff_rows import compare_all_rows
from pe_dvc.project.diff_sides import Candidate, Dataset, FileSide, Side, Words
from pe_dvc.usecases.revoked import why_withdrawn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pe_dvc.documents.disclosure import Disclosure
    from pe_dvc.documents.movers import Figure
    from pe_dvc.documents.row_changes import RowChanges


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How to compare. See ``pe_dvc.diff``."""

    rows: bool | None = None
    key: str | None = None
    weight: str | None = None


def diff(before: str, after: str, words: Words, asked: Asked) -> Diff:
    """Return what changed between what two words mean. Raises as ``pe_dvc.diff`` says."""
    sides = _meant(words.side(before), words.side(after), words, asked)
    earlier, later = (side.candidates for side in sides)
    both = sorted(earlier.keys() & later.keys())
    pairs = [((earlier[name], later[name]), name) for name in both]
    differing = [(pair, name) for pair, name in pairs if not _surely_same(*pair)]
    datasets, withdrawn = [], {}
    for (one, other), name in differing:
        try:
            datasets.append(compare_datasets(one.load(), other.load(), asked))
        except RevokedError as error:
            if sides[0].only is not None or sides[1].only is not None:
                raise
            withdrawn[name] = why_withdrawn(error)
    return Diff(
        before=before,
        after=after,
        added=tuple(sorted(later.keys() - earlier.keys())),
        removed=tuple(sorted(earlier.keys() - later.keys())),
        datasets=tuple(datasets),
        unchanged=len(both) - len(differing),
        withdrawn=withdrawn,
    )


def _meant(
    before: Side | FileSide, after: Side | FileSide, words: Words, asked: Asked
) -> tuple[Side, Side]:
    """Return both sides with the same names: of one dataset where either is of one only."""
    if isinstance(before, FileSide):
        if isinstance(after, FileSide):
            first = _local(before, None, before.path.name, words, asked)
            like = first.single.described
            return first, _local(after, like, like.name, words, asked)
        like = _single(after, before, words)
        return _local(before, like, like.name, words, asked), _narrowed(after, like.name)
    if isinstance(after, FileSide):
        like = _single(before, after, words)
        return _narrowed(before, like.name), _local(after, like, like.name, words, asked)
    if before.only is None and after.only is None:
        return before, after
    if before.only is not None and after.only is not None:
        return before, _renamed(after, before.only)
    return _narrowed(before, before.only or after.only), _narrowed(after, before.only or after.only)


def _local(side: FileSide, like: Described | None, name: str, words: Words, asked: Asked) -> Side:
    rule = like.rule if like else words.rule(None)
    described = describe_local(
        side.path,
        side.label,
        rule,
        like=like.contents if like else None,
        name=name,
        key=asked.key,
        weight=asked.weight,
    )
    dataset = Dataset(
        described=described,
        payload=lambda _: side.path,
        make_figures=lambda: figures_of_file(side.path, described),
    )
    return Side(label=side.label, candidates={name: Candidate(load=lambda: dataset)}, only=name)


def _single(side: Side, file: FileSide, words: Words) -> Described:
    """Return the dataset that a file is compared with: the only one, or the one of its path."""
    if side.only is not None:
        return side.single.described
    stem = file.path.name.partition(".")[0]
    if stem in side.candidates:
        return side.candidates[stem].load().described
    raise FormatError(
        f"{side.label} has {len(side.candidates)} datasets, and none is called {stem!r}",
        remedy=f"Name one of them: {side.label} as NAME@{side.label}, or a reference."
        if words.repo
        else "Name a reference, such as us/enhanced_cps_2024@latest.",
    )


def _narrowed(side: Side, name: str | None) -> Side:
    if name is None or name not in side.candidates:
        raise NotFoundError(
            f"{side.label} has no dataset {name!r}",
            remedy=say_which_there_are(name or "", sorted(side.candidates)),
        )
    return Side(label=side.label, candidates={name: side.candidates[name]}, only=name)


def _renamed(side: Side, name: str) -> Side:
    """Return a side of one dataset, compared with one of another name."""
    return Side(label=side.label, candidates={name: side.candidates[str(side.only)]}, only=name)


def _surely_same(one: Candidate, other: Candidate) -> bool:
    return one.essence is not None and one.essence == other.essence


def compare_datasets(before: Dataset, after: Dataset, asked: Asked) -> DatasetChanges:
    """Return what changed from one dataset to another."""
    was, now = before.described, after.described
    found = compare(was, now)
    rule = was.rule.stricter(now.rule)
    different = found.verdict == "different"
    moved = movers(*(_figures(before, after) if different else (was.figures, now.figures)))
    notes: list[str] = []
    changes: tuple[RowChanges, ...] = ()
    if found.verdict == "different" and asked.rows is not False:
        changes, notes = _rows(before, after, rule, asked)
        if changes and not moved:
            moved = ranked(_of_rows(changes))
    if found.verdict == "different" and _rows_are_same(found, changes):
        found = replace(found, verdict="same values")
    return replace(found, movers=moved, changes=changes, notes=tuple(notes))


def _figures(before: Dataset, after: Dataset) -> list[Mapping[Figure, float]]:
    """Return the figures of both: of profiles, and of files, where the other side has any."""
    sides = (before, after)
    if not all(side.described.figures or side.make_figures for side in sides):
        return [side.described.figures for side in sides]
    return [side.make_figures() if side.make_figures else side.described.figures for side in sides]


def _rows(
    before: Dataset, after: Dataset, rule: Disclosure, asked: Asked
) -> tuple[tuple[RowChanges, ...], list[str]]:
    sides = (before.described, after.described)
    if any(side.is_directory for side in sides):
        return (), ["rows are not compared: it is a directory of files"]
    was, now = (side.payload(bool(asked.rows)) for side in (before, after))
    if was is None or now is None:
        lacking = sides[0 if was is None else 1].label
        said = f"rows are not compared: the data of {lacking} are not on this machine"
        return (), [f"{said} (--rows downloads them)" if asked.rows is None else said]
    try:
        return compare_all_rows((sides[0], was), (sides[1], now), rule, key=asked.key), []
    except PeDvcError as error:
        if asked.rows:
            raise
        # No one asked for rows: what manifests tell is told.
        return (), [f"rows are not compared: {error.message}"]


def _of_rows(changes: tuple[RowChanges, ...]) -> Iterator[Mover]:
    """Yield the totals that moved, by the rows themselves, where there is no profile."""
    for table in changes:
        for column in table.columns:
            if column.before is not None and column.after is not None:
                yield Mover(
                    table=table.table,
                    period=table.period,
                    column=column.column,
                    statistic="total" if table.weight else "sum",
                    before=column.before,
                    after=column.after,
                )


def _rows_are_same(found: DatasetChanges, changes: tuple[RowChanges, ...]) -> bool:
    """Tell whether the rows show what no digest does: other bytes, the same values."""
    complete = {change.table for change in changes} == found.content.keys()
    plain = not (found.rows or found.columns)
    return bool(changes) and complete and plain and all(change.is_same for change in changes)
