"""Files that are the parts of one table, as Hive, Spark and pyarrow lay them out in a directory.

``year=2024/state=AL/part-0.parquet`` is a part in which the columns ``year`` and ``state`` have
those values. Files and folders whose names begin with ``_`` or ``.`` are not parts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from pe_dvc.adapters.folder_walk import paths_below
from pe_dvc.documents.manifest import Column, Member

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

NULL = "__HIVE_DEFAULT_PARTITION__"
"""What Hive calls a missing value in the name of a folder."""
SHOWN = 20
"""Parts that are named of those which are not like the others."""
_INT32 = range(-(2**31), 2**31)


class Part(NamedTuple):
    """A part: its path in the directory, and what its folders say, by column; None for no value."""

    inside: str
    values: Mapping[str, str | None]


def parts_in(folder: Path, suffixes: tuple[str, ...]) -> list[Part]:
    """Return the parts in a directory, by path; none where it holds files of other formats."""
    parts = []
    for inside in paths_below(folder, without=("_", "."), refusing_links=False):
        if not inside.lower().endswith(suffixes):
            return []
        parts.append(Part(inside, dict(_values(inside))))
    return sorted(parts)


def _values(inside: str) -> Iterator[tuple[str, str | None]]:
    for name in inside.split("/")[:-1]:
        column, sign, value = name.partition("=")
        if sign:
            yield unquote(column), None if value == NULL else unquote(value)


def partition_columns(parts: Iterable[Part]) -> dict[str, Column]:
    """Return the columns that folders give, as pyarrow takes them: ``int32``, else ``string``."""
    found: dict[str, Column] = {}
    for part in parts:
        for name, value in part.values.items():
            before = found.get(name)
            whole = before is None or before.type == "int32"
            nullable = value is None or (before is not None and before.nullable)
            kind = "int32" if whole and (value is None or _is_int32(value)) else "string"
            found[name] = Column(name=name, type=kind, nullable=nullable, partition=True)
    return found


def _is_int32(value: str) -> bool:
    digits = value.removeprefix("-")
    return len(value) <= 11 and digits.isascii() and digits.isdigit() and int(value) in _INT32


@dataclass
class Agreement:
    """The one table that parts make: its columns and rows, and the parts that are of another."""

    partitions: Mapping[str, Column]
    rows: int = 0
    first: str = ""
    columns: dict[str, Column] = field(default_factory=dict)
    odd: list[Member] = field(default_factory=list)
    odd_count: int = 0

    def add(self, part: Part, rows: int, columns: tuple[Column, ...]) -> None:
        """Add a part of so many rows and these columns."""
        self.rows += rows
        own = {column.name: column for column in columns}
        reason = self._difference(part, own)
        if reason is not None:
            self.odd_count += 1
            if len(self.odd) < SHOWN:
                self.odd.append(Member(name=part.inside, reason=reason))
        elif not self.first:
            self.first, self.columns = part.inside, own
        else:
            self.columns = {n: _merged(column, own[n]) for n, column in self.columns.items()}

    def _difference(self, part: Part, own: Mapping[str, Column]) -> str | None:
        if both := sorted(own.keys() & self.partitions.keys()):
            return f"its folder and its columns both have {both[0]!r}"
        if lacks := sorted(self.partitions.keys() - part.values.keys()):
            return f"no folder gives {lacks[0]!r}, as those of other parts do"
        if not self.first:
            return None
        there = self.columns
        if lacks := sorted(there.keys() - own.keys()):
            return f"has no column {lacks[0]!r}, which {self.first} has"
        if more := sorted(own.keys() - there.keys()):
            return f"has a column {more[0]!r}, which {self.first} has not"
        for name, column in own.items():
            if column.type != there[name].type and "null" not in (column.type, there[name].type):
                return f"{name!r} is {column.type}, and {there[name].type} in {self.first}"
        return None


def _merged(one: Column, other: Column) -> Column:
    if one == other:
        return one
    kind = other.type if one.type == "null" else one.type
    return Column(name=one.name, type=kind, nullable=one.nullable or other.nullable)
