"""What a reader of a file format finds in a file, before a declaration gives it meaning."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pe_dvc.documents.manifest import Column, Member


@dataclass(frozen=True, kw_only=True)
class Hints:
    """What a declaration says that some formats do not tell themselves.

    ``keys`` is the key of each entity, ``columns`` the entity of columns that were declared one by
    one, ``types`` the types of columns.
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FoundTable:
    """A table as it lies in the file. ``name`` is None where the format gives it none.

    ``periods`` is the number of rows in each period, empty where the file has no periods; ``rows``
    is that of the first one.
    """

    name: str | None
    rows: int
    columns: tuple[Column, ...]
    periods: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FileShape:
    """What is in one file. ``format`` is its name in ``adapters.tables.formats``.

    ``members`` is all that is not in the tables. ``needs_keys`` where there would be tables if the
    entities' keys were declared; ``types_from`` where the types are not the file's own.
    """

    format: str
    tables: tuple[FoundTable, ...] = ()
    members: tuple[Member, ...] = ()
    period: str | None = None
    types_from: str | None = None
    needs_keys: bool = False
