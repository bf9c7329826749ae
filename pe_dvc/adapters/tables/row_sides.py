"""Two tables in DuckDB, ``a`` before and ``b`` after: the same columns in the same order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.documents.places import Place
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.adapters.tables.data_file import DataFile
    from pe_dvc.adapters.tables.duck import Database

_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")
_FLOATS = ("FLOAT", "DOUBLE")


@dataclass(frozen=True, kw_only=True)
class WeightTable:
    """Where rows find a weight that is of another entity: by a reference to that one's key."""

    table: str
    reference: str
    key: str


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A table of a file of the format ``kind``, in one period where the file has it by period.

    ``weight`` is the column that rows count by, in ``weight_table`` where that is another one.
    """

    file: DataFile
    kind: str
    table: str
    key: str
    columns: tuple[str, ...]
    period: str | None = None
    weight: str | None = None
    weight_table: WeightTable | None = None


class Sides:
    """Both tables. ``names`` are the columns of both, the key first: column i is ``c{i}``."""

    def __init__(self, db: Database, before: Rows, after: Rows) -> None:
        """Load them. Raises FormatError where columns cannot be told apart by DuckDB."""
        self._db, self._rows = db, {"a": before, "b": after}
        self.table, self.period, self.key = after.table, after.period, after.key
        shared = [name for name in after.columns if name in before.columns and name != self.key]
        self.names = [self.key, *shared]
        _check_case(self.names, after.file.label)
        for side, rows in self._rows.items():
            source = Place(table=rows.table, column=rows.key, period=rows.period)
            names = [rows.key, *shared]
            db.load(side, rows.file, rows.kind, names, source=source)
            if rows.weight_table is not None and rows.weight is not None:
                of = rows.weight_table
                place = Place(table=of.table, column=of.key, period=rows.period)
                db.load(f"{side}w", rows.file, rows.kind, [of.key, rows.weight], source=place)
        self._types = {side: list(db.types(side).values()) for side in self._rows}

    @property
    def weight(self) -> str | None:
        """The column that rows count by, where both sides have it."""
        has = all(self._weight(side) != "1.0" for side in self._rows)
        return self._rows["b"].weight if has else None

    def is_number(self, index: int) -> bool:
        """Tell whether a column is of numbers on both sides."""
        return all(self._types[side][index].startswith(_NUMBERS) for side in self._rows)

    def value(self, side: str, index: int) -> str:
        """Return the SQL of a column: one type on both sides, what is no number missing."""
        column, kind = f"{side}.c{index}", self._types[side][index]
        if kind in _FLOATS:
            column = f"(nullif({column}, 'nan'::{kind}) + 0)"
        if self._types["a"][index] == self._types["b"][index]:
            return column
        return f"CAST({column} AS {'DOUBLE' if self.is_number(index) else 'VARCHAR'})"

    def hash_rows(self, side: str) -> None:
        """Make the table ``ka`` or ``kb``: key, hash of all else, weight of each row."""
        values = ", ".join(self.value(side, i) for i in range(1, len(self.names))) or "0"
        weight = f"coalesce(CAST({self._weight(side)} AS DOUBLE), 0)"
        self._db.ask(
            f"CREATE TABLE k{side} AS SELECT {self.value(side, 0)} AS k, hash({values}) AS h, "
            f"{weight} AS w FROM {self.source(side)}"
        )

    def source(self, side: str) -> str:
        """Return what to select from to have a row's weight, too."""
        of = self._rows[side].weight_table
        if of is None or of.reference not in self.names:
            return side
        return f"{side} LEFT JOIN {side}w ON {side}.c{self._index(of.reference)} = {side}w.c0"

    def totals(self) -> dict[int, tuple[tuple[float, int], tuple[float, int]]]:
        """Return the total of each column of numbers before and after, with its carriers.

        Weighted; that of the weight itself is its plain sum.
        """
        indexes = [i for i in range(1, len(self.names)) if self.is_number(i)]
        both = [self._totals(side, indexes) for side in self._rows]
        return {i: (was, now) for i, was, now in zip(indexes, *both, strict=True)}

    def weighted(self, side: str, index: int, weight: str) -> str:
        """Return the SQL of what a row adds to a column's total; ``weight`` is the SQL of its."""
        value = f"CAST({self.value(side, index)} AS DOUBLE)"
        return value if self.names[index] == self._rows[side].weight else f"{value} * {weight}"

    def _totals(self, side: str, indexes: Sequence[int]) -> list[tuple[float, int]]:
        if not indexes:
            return []
        weighted = (
            f"v{i}" if self.names[i] == self._rows[side].weight else f"v{i} * w" for i in indexes
        )
        asked = ", ".join(
            f"coalesce(sum({total}), 0), count(nullif(v{i}, 0))"
            for i, total in zip(indexes, weighted, strict=True)
        )
        # A value is worked out once, and used twice.
        values = ", ".join(f"CAST({self.value(side, i)} AS DOUBLE) AS v{i}" for i in indexes)
        of = f"SELECT CAST({self._weight(side)} AS DOUBLE) AS w, {values} FROM {self.source(side)}"
        (row,) = self._db.ask(f"SELECT {asked} FROM ({of})")
        return list(zip(row[::2], row[1::2], strict=True))

    def _weight(self, side: str) -> str:
        rows = self._rows[side]
        if rows.weight_table is not None:
            return f"{side}w.c1" if self.source(side) != side else "1.0"
        return f"{side}.c{self._index(rows.weight)}" if rows.weight in self.names else "1.0"

    def _index(self, name: str | None) -> int:
        return self._indexes[name or ""]

    @cached_property
    def _indexes(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.names)}


def _check_case(names: Sequence[str], label: str) -> None:
    """Refuse columns that differ by case alone: DuckDB takes them for one."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise FormatError(
                f"the columns {other!r} and {name!r} differ by case alone, so rows are not "
                "compared",
                where=label,
                remedy="Rename one of them, or use --no-rows.",
            )
