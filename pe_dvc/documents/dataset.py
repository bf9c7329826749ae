"""A dataset as other formats describe it: its manifest joined with its codebook and profile.

What is known comes from these alone: nothing here reads data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

from pe_dvc.documents.disclosure import Access, default_access
from pe_dvc.documents.entity_tree import entity_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.documents.codebook import Codebook, Variable
    from pe_dvc.documents.manifest import Column, Manifest, Table
    from pe_dvc.documents.profile import Profile

PUBLISHER = "PolicyEngine"
"""Who publishes the microdata."""

ColumnKind = Literal["integer", "number", "boolean", "date", "datetime", "string", "any"]

_KINDS: dict[str, ColumnKind] = {
    "int": "integer",
    "uint": "integer",
    "float": "number",
    "double": "number",
    "halffloat": "number",
    "decimal": "number",
    "bool": "boolean",
    "date": "date",
    "timestamp": "datetime",
    "string": "string",
    "large_string": "string",
    "str": "string",
    "utf": "string",
    "object": "string",
}


class DescribedColumn(NamedTuple):
    """A column and what it means; ``entity`` is what it describes, where that is known."""

    table: Table
    column: Column
    variable: Variable

    @property
    def name(self) -> str:
        """Its name in the file."""
        return self.column.name

    @property
    def entity(self) -> str | None:
        """The entity that it describes: as declared, else that of the table, else the model's."""
        return self.column.entity or self.table.entity or self.variable.entity

    @property
    def kind(self) -> ColumnKind:
        """What its values are, in the words of most formats."""
        name = self.column.value_type
        letters = name.partition("[")[0].partition("(")[0].rstrip("0123456789")
        return _KINDS.get(letters, "any")


def _empty() -> Codebook:
    from pe_dvc.documents.codebook import EMPTY

    return EMPTY


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A dataset. ``pin`` is the reference that always means its bytes.

    ``release`` is the release that was asked for, where one was. ``profile`` is there for formats
    that have statistics.
    """

    manifest: Manifest
    pin: str
    codebook: Codebook = field(default_factory=_empty)
    release: str | None = None
    profile: Profile | None = None

    @property
    def name(self) -> str:
        """Its name, such as ``enhanced_cps_2024``."""
        return self.manifest.artifact.name

    @property
    def sha256(self) -> str:
        """The identity of its bytes."""
        return self.manifest.artifact.sha256

    @property
    def file_name(self) -> str:
        """What its file is called."""
        return self.manifest.artifact.path.rpartition("/")[2]

    @property
    def built_on(self) -> str:
        """The day that it was built, such as ``2026-04-20``."""
        return self.manifest.build.built_at[:10] if self.manifest.build.built_at else ""

    @property
    def year(self) -> str:
        """The year that it was built."""
        return self.built_on[:4]

    @property
    def version(self) -> str:
        """The release, else the beginning of the sha256."""
        return self.release or f"sha256:{self.sha256[:12]}"

    @property
    def description(self) -> str:
        """What people wrote of it, else what it is in a few words."""
        about = self.manifest.about
        if about is not None and about.description:
            return " ".join(about.description.split())
        return f"Dataset {self.name} of {self.manifest.artifact.country}"

    @property
    def licence(self) -> str | None:
        """The licence that was declared."""
        return self.manifest.about.licence if self.manifest.about else None

    @property
    def access(self) -> Access:
        """Whether it is gated: as its data repo said, else by its country."""
        return self.codebook.access or default_access(self.manifest.artifact.country)

    @cached_property
    def columns(self) -> tuple[DescribedColumn, ...]:
        """Every column of every table."""
        return tuple(
            DescribedColumn(
                table=table, column=column, variable=self.codebook.variable(column.name)
            )
            for table in self.manifest.table.tables
            for column in table.columns
        )

    @property
    def entity_tree(self) -> list[tuple[str, str]]:
        """The entities as a tree (``documents.entity_tree``)."""
        return list(entity_tree(self.manifest.table.entities))

    def columns_of(self, table: Table) -> Iterator[DescribedColumn]:
        """Yield the columns of one table."""
        return (column for column in self.columns if column.table is table)

    def keys(self, table: Table) -> dict[str, tuple[str, str]]:
        """Return which columns of a table name units of another table: its name, and its key."""
        entity = self.manifest.table.entities.get(table.entity or "")
        homes = {other.entity: other.name for other in self.manifest.table.tables}
        found = {}
        for other, column in (entity.references if entity else {}).items():
            key = self.manifest.table.entities.get(other)
            if key is not None and other in homes:
                found[column] = (homes[other], key.key)
        return found

    def key(self, table: Table) -> str | None:
        """Return the key column of a table, None without one."""
        entity = self.manifest.table.entities.get(table.entity or "")
        return entity.key if entity else None
