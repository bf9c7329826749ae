"""The manifest: what one artifact is, what is in it and what it was made from.

Format: ADR 0001; JSON Schema by ``pe-dvc schema manifest``. Written by ``dvc repro``, committed
to git, published under the artifact's sha256 and never rewritten there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import ConfigDict, Field

from pe_dvc.documents.artifact import Artifact
from pe_dvc.documents.manifest_view import (
    AboutView,
    ContentsView,
    HeadView,
    ManifestView,
    TableView,
)
from pe_dvc.documents.model import Document, Record, is_empty
from pe_dvc.documents.places import Place
from pe_dvc.documents.provenance import Build, HexSha256, Inputs
from pe_dvc.documents.sidecars import Sidecar, SidecarKind

if TYPE_CHECKING:
    from collections.abc import Mapping


class Column(Record):
    """One column (parquet, HDFStore) or one variable (PolicyEngine's HDF5 layout)."""

    name: str
    type: str
    """Arrow's name of the type, such as ``int64`` or ``dictionary<values=string, …>``."""
    # Left out where it is true: a national dataset has hundreds of columns.
    nullable: bool = Field(default=True, exclude_if=bool)
    entity: str | None = None
    """The entity that the column describes; that of the table's rows where not given."""
    periods: tuple[str, ...] | None = None
    """The periods that have it; those of the table where not given."""
    partition: bool = Field(default=False, exclude_if=is_empty)
    """Whether the names of folders give its values, as in ``year=2024/part-0.parquet``."""

    @property
    def value_type(self) -> str:
        """The type of its values: of a dictionary, that of what its codes stand for."""
        if self.type.startswith("dictionary<values="):
            return self.type.removeprefix("dictionary<values=").partition(",")[0]
        return self.type

    def is_in(self, period: str | None) -> bool:
        """Tell whether a period of its table has it; without periods every column is there."""
        return period is None or self.periods is None or period in self.periods


class Table(TableView, Record):
    """One table of the artifact. ``entity`` is what one row stands for, where that is declared."""

    name: str
    rows: Annotated[int, Field(ge=0)]
    """The number of rows; of several periods, in the first one."""
    entity: str | None = None
    columns: tuple[Column, ...]
    periods: dict[str, Annotated[int, Field(ge=0)]] = Field(
        default_factory=dict, exclude_if=is_empty
    )
    """The number of rows in each period, such as ``2024``, where the file has it by period."""
    content_sha256: HexSha256 | None = None
    """The digest of the table's values, the same in whatever file they lie. ADR 0017."""

    def places(self, name: str) -> list[Place]:
        """Return where a column's values are: one place for each period that has it."""
        return [p for column in self.columns if column.name == name for p in self.places_of(column)]

    def places_of(self, column: Column) -> list[Place]:
        """Return the same, of one of the columns."""
        own = tuple(self.periods) if column.periods is None else column.periods
        return [
            Place(table=self.name, column=column.name, period=period) for period in own or [None]
        ]


class Member(Record):
    """What is in the file beside its tables: an array, a single value, or what is not described."""

    name: str
    """Where it is in the file, such as ``weights/2025``."""
    type: str | None = None
    shape: tuple[Annotated[int, Field(ge=0)], ...] | None = None
    value: str | int | float | bool | None = None
    """The value, of one that describes the file, such as its period."""
    reason: str | None = None
    """Why no more is said of it."""


class Entity(Record):
    """A kind of unit in the data: its key column and the entities that it belongs to.

    ``references`` maps another entity to the column, in this entity's table, of its key.
    """

    key: str
    references: dict[str, str] = Field(default_factory=dict)


class Contents(ContentsView, Record):
    """What is in the artifact: the section ``table`` of a manifest."""

    format: str
    """The format's name, such as ``parquet`` or ``hdf5`` (``adapters.tables.formats``)."""
    tables: tuple[Table, ...]
    entities: dict[str, Entity]
    weight: str | None = None
    """The column of survey weights, where the dataset has one."""
    period: str | None = None
    """The period that the file says it is of."""
    types_from: str | None = None
    """Where the columns' types are from, of formats that hold none (csv)."""
    members: tuple[Member, ...] = Field(default=(), exclude_if=is_empty)

    @property
    def digests(self) -> dict[str, str]:
        """The content digest of each table that has one, by its name."""
        return {t.name: t.content_sha256 for t in self.tables if t.content_sha256 is not None}

    def with_digests(self, digests: Mapping[str, str]) -> Contents:
        """Return the same with these content digests of its tables, and no others."""
        tables = (t.model_copy(update={"content_sha256": digests.get(t.name)}) for t in self.tables)
        return self.model_copy(update={"tables": tuple(tables)})

    def has_values_of(self, other: Contents) -> bool:
        """Tell whether every table of both has the same values, as far as their digests show."""
        complete = len(self.digests) == len(self.tables) > 0 and not (self.members or other.members)
        return complete and self.digests == other.digests and len(self.tables) == len(other.tables)


class About(AboutView, Record):
    """What people wrote about the dataset when the artifact was first built, as text."""

    description: str | None = None
    licence: str | None = None
    citation: str | None = None


class ManifestHead(HeadView, Document):
    """A manifest without its tables: all that a release asks of it, at half the time to read."""

    model_config = ConfigDict(extra="ignore")
    kind: ClassVar[str] = "manifest"

    artifact: Artifact
    inputs: Inputs
    build: Build
    about: About | None = None
    sidecars: dict[SidecarKind, Sidecar] = Field(default_factory=dict, exclude_if=is_empty)
    """What says more of the content, such as its ``profile``, in files of their own."""


class Manifest(ManifestView, ManifestHead):
    """One artifact: its bytes, its tables, its inputs and its build."""

    model_config = ConfigDict(extra="allow")

    table: Contents
