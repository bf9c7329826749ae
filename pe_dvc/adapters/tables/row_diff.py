"""The rows of a table before and after, matched by their key, in bounded memory.

Rows are compared by a 64-bit hash of their values; which columns changed is asked of the values.
A float that is no number counts as missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.adapters.tables.duck import database
from pe_dvc.adapters.tables.faults import shielded
from pe_dvc.adapters.tables.row_sides import Rows, Sides
from pe_dvc.adapters.tables.row_where import find_where
from pe_dvc.documents.disclosure import Count, Disclosure, Finding, Total
from pe_dvc.documents.movers import NEGLIGIBLE
from pe_dvc.documents.row_changes import ColumnChange, RowChanges

if TYPE_CHECKING:
    from pe_dvc.adapters.tables.duck import Database

SAME, CHANGED, ADDED, REMOVED = range(4)
_AT_ONCE = 16
"""Columns of a join: more take more memory, fewer more time."""


def compare_rows(before: Rows, after: Rows, rule: Disclosure) -> RowChanges:
    """Return how the rows of two tables differ.

    Raises FormatError for a file that cannot be read, PeDvcError where DuckDB is not installed.
    """

    def ask() -> RowChanges:
        with database() as db:
            return _Comparison(db, Sides(db, before, after), rule).result()

    return shielded(ask, label=f"{before.file.label} and {after.file.label}", rule=rule)


@dataclass(frozen=True)
class _Comparison:
    db: Database
    sides: Sides
    rule: Disclosure

    def result(self) -> RowChanges:
        sides = self.sides
        for side, name in (("a", "before"), ("b", "after")):
            sides.hash_rows(side)
            reason = self._unfit_key(side, name)
            if reason:
                return RowChanges(
                    table=sides.table, period=sides.period, key=sides.key, reason=reason
                )
        self._match()
        return self._counted()

    def _unfit_key(self, side: str, name: str) -> str | None:
        """Return why rows cannot be told apart by the key, None if they can."""
        ((rows, keys, distinct),) = self.db.ask(
            f"SELECT count(*), count(k), count(DISTINCT k) FROM k{side}"
        )
        if keys < rows:
            nulls = Count(rows - keys, "row", of=rows)
            return self.rule.say(Finding.alike(f"{name}, the key is missing in ", nulls))
        if distinct < keys:
            repeated = Count(keys - distinct, "row", of=rows)
            said = Finding.alike(f"{name}, the key of another row is that of ", repeated)
            return self.rule.say(said)
        return None

    def _match(self) -> None:
        self.db.ask(
            f"""CREATE TABLE m AS SELECT coalesce(ka.k, kb.k) AS k, ka.w AS wb, kb.w AS wa,
                CASE WHEN ka.k IS NULL THEN {ADDED} WHEN kb.k IS NULL THEN {REMOVED}
                WHEN ka.h = kb.h THEN {SAME} ELSE {CHANGED} END::TINYINT AS s
                FROM ka FULL JOIN kb ON ka.k = kb.k"""
        )

    def _counted(self) -> RowChanges:
        counts = dict(self.db.ask("SELECT s, count(*) FROM m GROUP BY s"))
        before = counts.get(SAME, 0) + counts.get(CHANGED, 0) + counts.get(REMOVED, 0)
        after = counts.get(SAME, 0) + counts.get(CHANGED, 0) + counts.get(ADDED, 0)
        ((part,),) = self.db.ask(
            f"SELECT sum(wa) FILTER (s IN ({CHANGED}, {ADDED})) / nullif(sum(wa), 0) FROM m"
        )
        touched = counts.get(CHANGED, 0) + counts.get(ADDED, 0)
        columns = self._columns(counts.get(CHANGED, 0), before, after)
        differs = columns or any(counts.get(s) for s in (ADDED, REMOVED))
        rows = max(before, after)
        where = find_where(self.db, self.sides, self.rule, columns, rows=rows) if differs else ()
        return RowChanges(
            table=self.sides.table,
            period=self.sides.period,
            key=self.sides.key,
            weight=self.sides.weight,
            before=before,
            after=after,
            added=self._count(counts.get(ADDED, 0), of=after),
            removed=self._count(counts.get(REMOVED, 0), of=before),
            changed=self._count(counts.get(CHANGED, 0), of=after),
            weight_changed=self._share(part or 0.0, touched, of=after),
            columns=columns,
            where=where,
        )

    def _columns(self, changed: int, before: int, after: int) -> tuple[ColumnChange, ...]:
        """Return the columns that changed, in any row or in total; most rows first."""
        sides, numbers = self.sides, self.sides.totals()
        found = []
        for index, rows in self._changed_rows(changed).items():
            was, now = numbers.get(index, (None, None))
            totals = [self._total(was, rows=before), self._total(now, rows=after)]
            if rows or _moved(*totals):
                found.append(
                    ColumnChange(
                        column=sides.names[index],
                        rows=self._count(rows, of=min(before, after)),
                        before=totals[0],
                        after=totals[1],
                    )
                )
        return tuple(sorted(found, key=lambda one: -(one.rows or 0)))

    def _changed_rows(self, changed: int) -> dict[int, int]:
        indexes = list(range(1, len(self.sides.names)))
        if not changed:
            return dict.fromkeys(indexes, 0)
        found: dict[int, int] = {}
        for start in range(0, len(indexes), _AT_ONCE):
            part = indexes[start : start + _AT_ONCE]
            pairs = ((self.sides.value("a", i), self.sides.value("b", i)) for i in part)
            counts = ", ".join(f"count(*) FILTER ({a} IS DISTINCT FROM {b})" for a, b in pairs)
            (row,) = self.db.ask(
                f"SELECT {counts} FROM m JOIN a ON {self.sides.value('a', 0)} = m.k "
                f"JOIN b ON {self.sides.value('b', 0)} = m.k WHERE m.s = {CHANGED}"
            )
            found.update(zip(part, row, strict=True))
        return found

    def _count(self, number: int, *, of: int) -> int | None:
        return self.rule.number(Count(number, "row", of=of))

    def _total(self, found: tuple[float, int] | None, *, rows: int) -> float | None:
        """Return a total as it may be said; one of zeros alone rests on all rows."""
        if found is None:
            return None
        return self.rule.figure(Total(found[0], carriers=found[1] or rows))

    def _share(self, share: float, carriers: int, *, of: int) -> float | None:
        return None if self._count(carriers, of=of) is None else share


def _moved(was: float | None, now: float | None) -> bool:
    """Tell whether a total moved by more than the order of its sum explains."""
    return was is not None and now is not None and abs(now - was) > NEGLIGIBLE * abs(was)
