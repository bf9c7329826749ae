"""What a reader of a file format finds in a file, before a declaration gives it meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pe_dvc.documents.manifest import Column


@dataclass(frozen=True, kw_only=True)
class FoundTable:
    """A table as it lies in the file. ``name`` is None where the format gives it none."""

    name: str | None
    rows: int
    columns: tuple[Column, ...]


@dataclass(frozen=True, kw_only=True)
class FileShape:
    """The tables of one file. ``format`` is its name in ``adapters.tables.formats``."""

    format: str
    tables: tuple[FoundTable, ...]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A column of a table."""

    table: str
    column: str


@dataclass(frozen=True, kw_only=True)
class Link:
    """How the rows of one table belong to those of another: a reference, and the key it names."""

    reference: Place
    key: Place
