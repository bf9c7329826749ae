"""Where a change concentrates: by categories, and by quantiles of columns of numbers.

Asked of the rows that changed, were added or removed, and of the columns whose totals moved most.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.disclosure import Count, Total
from pe_dvc.documents.row_changes import ROWS, Where

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pe_dvc.adapters.tables.duck import Database
    from pe_dvc.adapters.tables.row_sides import Sides
    from pe_dvc.documents.disclosure import Disclosure
    from pe_dvc.documents.row_changes import ColumnChange

MOVERS = 3
"""Columns whose totals moved most: of so many it is asked where."""
CATEGORIES = 25
"""Most values of a column that is taken for one of categories."""
SAMPLE = 2_000_000
"""Rows beyond which one in several is asked, chosen by its key."""
LEAST_SHARE, LEAST_RATIO, LEAST_ROWS, SHOWN = 0.25, 2.0, 10, 3
FAR = 100.0
"""A ratio beyond which a group explains no more: then it is the larger share that does."""

_EDGES = (0.5, 0.9, 0.99, 0.999)
_SIGNS = ("missing", "below zero", "zero")
_RANGES = ("below the median", "p50 to p90", "p90 to p99", "p99 to p99.9", "top 0.1%")

_Ways = tuple["tuple[str, ...] | None", ...]
"""Names of buckets by their number, None where a bucket is a name itself."""
_VALUES: _Ways = (None,)


@dataclass(frozen=True)
class _Group:
    column: str
    by: str
    bucket: str
    carriers: int
    rows: int
    change: float
    all: float


def find_where(
    db: Database, sides: Sides, rule: Disclosure, columns: Sequence[ColumnChange], *, rows: int
) -> tuple[Where, ...]:
    """Return the groups of rows in which changes concentrate, those of changed rows first.

    ``columns`` are those that changed. Makes tables of the rows there are or were: ``j`` of all,
    ``jc`` of those that changed.
    """
    movers = _movers(sides, columns)
    step = max(1, math.ceil(rows / SAMPLE))
    _join(db, sides, movers, step)
    questions = [*(sides.names[i] for i in movers), ROWS]
    groups: dict[str, list[_Group]] = {question: [] for question in questions}
    for index, bucket, ways in _buckets(db, sides):
        if ways == _VALUES and rule.is_gated and sides.is_number(index):
            continue  # the value itself would be said
        counted = _counted(db, bucket, len(questions))
        for names in ways:
            found = list(_groups(sides.names[index], counted, names, questions))
            for question, group in found:
                carriers = sum(other.carriers for asked, other in found if asked == question)
                if _may_be_said(group, carriers, rule):
                    groups[question].append(group)
    return tuple(
        where
        for question in (ROWS, *questions[:-1])
        for where in _chosen(question, groups[question], rule)
    )


def _may_be_said(group: _Group, carriers: int, rule: Disclosure) -> bool:
    """Tell whether neither the rows that changed are few, nor others in the group, or elsewhere."""
    every = (group.rows, carriers)
    return all(rule.number(Count(group.carriers, "row", of=of)) is not None for of in every)


def _movers(sides: Sides, columns: Sequence[ColumnChange]) -> list[int]:
    moved = [(abs(one.change or 0.0), one.column) for one in columns if one.change]
    moved.sort(key=lambda pair: (-pair[0], pair[1]))
    # What moved ten times less moved with the rest.
    far = [column for change, column in moved[:MOVERS] if change * 10 >= moved[0][0]]
    return [sides.names.index(column) for column in far]


def _join(db: Database, sides: Sides, movers: Sequence[int], step: int) -> None:
    """Make ``j``: values after, of removed rows before; whether and how the row changed."""
    some = f"AND hash(m.k) % {step} = 0" if step > 1 else ""

    def selected(side: str, changes: Sequence[str]) -> str:
        values = [f"{sides.value(side, i)} AS c{i}" for i in range(1, len(sides.names))]
        moved = [f"{change} AS d{n}" for n, change in enumerate(changes)]
        marks = ["(m.s <> 0)::INTEGER AS x", "coalesce(m.wb, m.wa) AS w"]
        return ", ".join([*marks, *moved, *values])

    after = [
        f"coalesce({sides.weighted('b', i, 'm.wa')}, 0) - coalesce({sides.weighted('a', i, 'm.wb')}"
        ", 0)"
        for i in movers
    ]
    before = [f"-coalesce({sides.weighted('a', i, 'm.wb')}, 0)" for i in movers]
    key_a, key_b = sides.value("a", 0), sides.value("b", 0)
    db.ask(
        f"CREATE TABLE j AS SELECT {selected('b', after)} FROM b JOIN m ON {key_b} = m.k "
        f"LEFT JOIN a ON {key_a} = m.k WHERE true {some}"
    )
    db.ask(
        f"INSERT INTO j SELECT {selected('a', before)} FROM a JOIN m ON {key_a} = m.k "
        f"WHERE m.s = 3 {some}"
    )
    _set_changed_apart(db, len(movers))


def _set_changed_apart(db: Database, movers: int) -> None:
    """Make ``jc``: a table where few rows changed, else all rows, of which it holds the same."""
    changed = " OR ".join(["x = 1", *(f"d{n} <> 0" for n in range(movers))])
    ((rows, of),) = db.ask(f"SELECT count(*) FILTER ({changed}), count(*) FROM j")
    if rows * 4 < of:
        db.ask(f"CREATE TABLE jc AS SELECT * FROM j WHERE {changed}")
    else:
        db.ask("CREATE VIEW jc AS SELECT * FROM j")


def _buckets(db: Database, sides: Sides) -> Iterator[tuple[int, str, _Ways]]:
    """Yield each column that rows can be grouped by, the SQL that does, and the groups' names."""
    indexes = list(range(1, len(sides.names)))
    if not indexes:
        return
    asked = ", ".join(f"approx_count_distinct(c{i})" for i in indexes)
    (distinct,) = db.ask(f"SELECT {asked} FROM j")
    for index, count in zip(indexes, distinct, strict=True):
        if count <= CATEGORIES:
            yield index, f"coalesce(CAST(c{index} AS VARCHAR), 'missing')", _VALUES
        if not sides.is_number(index):
            continue
        edges: Sequence[Any] = ()
        if count > CATEGORIES:
            shares = ", ".join(map(str, _EDGES))
            ((found,),) = db.ask(
                f"SELECT quantile_disc(c{index}, [{shares}]) FILTER (c{index} > 0) FROM j"
            )
            edges = found or ()
        yield index, _ranges(f"c{index}", edges), _ways(len(edges))


def _ways(edges: int) -> _Ways:
    """Return the names of the ranges: by sign, and by quantile where there are any."""
    by_sign = (*_SIGNS, *("above zero" for _ in range(edges + 1)))
    return (by_sign, (*_SIGNS, *_RANGES[:edges], _RANGES[-1])) if edges else (by_sign,)


def _ranges(column: str, edges: Sequence[Any]) -> str:
    """Return the SQL of the number of a row's range: small numbers are grouped fast."""
    first = len(_SIGNS)
    cases = [f"WHEN {column} IS NULL THEN 0 WHEN {column} < 0 THEN 1 WHEN {column} = 0 THEN 2"]
    cases += [f"WHEN {column} <= {edge!r} THEN {n}" for n, edge in enumerate(edges, first)]
    return f"CASE {' '.join(cases)} ELSE {first + len(edges)} END::UTINYINT"


def _counted(db: Database, bucket: str, questions: int) -> dict[Any, list[Any]]:
    """Return of each bucket its rows and weight, then the carriers and change of each question."""
    changes = [f"d{n}" for n in range(questions - 1)] + ["x * w"]
    marks = [f"d{n} <> 0" for n in range(questions - 1)] + ["x = 1"]
    asked = ", ".join(
        f"count(*) FILTER ({mark}), coalesce(sum({change}), 0)"
        for mark, change in zip(marks, changes, strict=True)
    )
    every = f"SELECT {bucket} AS g, count(*), coalesce(sum(w), 0) FROM j GROUP BY g"
    nothing = [0, 0.0] * questions
    changed = {
        name: rest for name, *rest in db.ask(f"SELECT {bucket} AS g, {asked} FROM jc GROUP BY g")
    }
    return {name: [*rest, *changed.get(name, nothing)] for name, *rest in db.ask(every)}


def _groups(
    column: str,
    counted: dict[Any, list[Any]],
    names: Sequence[str] | None,
    questions: Sequence[str],
) -> Iterator[tuple[str, _Group]]:
    """Yield the groups of a way to name buckets; buckets of one name are one group."""
    sums: dict[str, list[Any]] = {}
    for bucket in sorted(counted):
        name, found = str(bucket) if names is None else names[bucket], counted[bucket]
        known = sums.get(name, [0] * len(found))
        sums[name] = [one + other for one, other in zip(known, found, strict=True)]
    by = "value" if names is None else " ".join(names)
    for name, (rows, population, *rest) in sums.items():
        for number, question in enumerate(questions):
            carriers, change = rest[2 * number], rest[2 * number + 1]
            yield question, _Group(column, by, name, carriers, rows, change, population)


def _chosen(question: str, groups: Sequence[_Group], rule: Disclosure) -> Iterator[Where]:
    """Yield the groups that say most of a change, one of each column."""
    partitions: dict[tuple[str, str], list[_Group]] = {}
    for group in groups:
        partitions.setdefault((group.column, group.by), []).append(group)
    best: dict[str, tuple[float, Where]] = {}
    for (column, _), own in partitions.items():
        for where in _over_represented(question, own, rule):
            score = min(where.share_of_change, 1.0) * math.log(min(where.ratio, FAR))
            if score > best.get(column, (0.0, where))[0]:
                best[column] = (score, where)
    ranked = sorted(best.values(), key=lambda pair: -pair[0])
    # Beside a group that explains it, others are there by chance.
    yield from (where for score, where in ranked[:SHOWN] if score * 4 >= ranked[0][0])


def _over_represented(question: str, groups: Sequence[_Group], rule: Disclosure) -> Iterator[Where]:
    change, population = sum(g.change for g in groups), sum(g.all for g in groups)
    for group in groups if change and population else ():
        share = rule.figure(Total(group.change / change, carriers=group.carriers))
        part = rule.figure(Total(group.all / population, carriers=group.rows))
        few = group.carriers < LEAST_ROWS
        if few or not share or not part or share < LEAST_SHARE or share / part < LEAST_RATIO:
            continue
        yield Where(
            change=question,
            column=group.column,
            bucket=group.bucket,
            rows=group.carriers,
            share_of_change=share,
            share_of_all=part,
        )
