"""How a manifest looks to people in Python: in short as a ``repr``, as tables in a notebook.

``documents.manifest`` imports this, so that its types are not imported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import UnknownNameError
from pe_dvc.primitives.html_table import html_table
from pe_dvc.primitives.names import say_which_there_are
from pe_dvc.primitives.printable import brief, printable
from pe_dvc.primitives.sizes import bytes_text, counted

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Named(Protocol):
    @property
    def name(self) -> str: ...


Found = TypeVar("Found", bound=_Named)
Column = TypeVar("Column", bound=_Named)
Table = TypeVar("Table", bound=_Named)


class _WithColumns(Protocol[Column]):
    name: str
    columns: tuple[Column, ...]


class _WithTables(Protocol[Table]):
    tables: tuple[Table, ...]


class TableView:
    """A table: finds columns, and is a line of text."""

    def column(self: _WithColumns[Column], name: str) -> Column:
        """Return a column by its name. Raises UnknownNameError, which says what there is."""
        return _named(self.columns, name, f"table {printable(brief(self.name))}", "column")

    def __repr__(self) -> str:
        return f"<Table {table_text(self)}>"

    __str__ = __repr__


class ContentsView:
    """What is in an artifact: finds tables, and is a line of text."""

    def __call__(self: _WithTables[Table], name: str) -> Table:
        """Return a table by its name. Raises UnknownNameError, which says what there is."""
        return _named(self.tables, name, "the dataset", "table")

    def __repr__(self) -> str:
        return f"<Contents {contents_text(self)}>"

    __str__ = __repr__


class AboutView:
    """What people wrote: true where there is any of it."""

    def __bool__(self: Any) -> bool:
        """Tell whether anything was written."""
        return any((self.description, self.licence, self.citation))


class BuildView:
    """When and where something was built, as a text."""

    def __str__(self: Any) -> str:
        """Return when and where, such as ``2026-04-20T12:00:00Z (ci)``, as far as it is known."""
        place = f" ({self.built_in})" if self.built_in else ""
        return f"{self.built_at or 'at an unknown time'}{place}"


class UnknownView:
    """What is not known of a build, as a text."""

    @property
    def what(self: Any) -> str:
        """The fields; nearly all of them together are said in words."""
        if {"raw_inputs", "code", "build.git_commit", "build.built_at"} <= set(self.fields):
            return "what it was made from, when and where"
        return ", ".join(self.fields)


class HeadView:
    """A manifest: the reference that means its artifact."""

    @property
    def reference(self: Any) -> str:
        """The reference that always means these bytes."""
        from pe_dvc.primitives.reference import Reference

        artifact = self.artifact
        return str(Reference.pinned(artifact.country, artifact.name, Sha256(artifact.sha256)))


class ManifestView:
    """A manifest: a line of text, and tables in a notebook."""

    def __repr__(self) -> str:
        return f"<Manifest {manifest_text(self)}>"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        return manifest_html(self)


def _named(items: Sequence[Found], name: str, owner: str, kind: str) -> Found:
    for item in items:
        if item.name == name:
            return item
    names = [printable(brief(item.name)) for item in items]
    raise UnknownNameError(
        f"{owner} has no {kind} {brief(repr(name))}", remedy=say_which_there_are(name, names)
    )


def table_text(table: Any) -> str:
    """Return a table's name, rows and columns, in a few words."""
    columns = counted(len(table.columns), "column")
    of = f" of {brief(table.entity)}" if table.entity else ""
    return printable(f"{brief(table.name)}: {table.rows:,} rows{of}, {columns}")


def contents_text(contents: Any) -> str:
    """Return the format and the first tables, in a few words."""
    first = [table_text(table) for table in contents.tables[:3]]
    more = [f"{len(contents.tables) - 3} more tables"] if len(contents.tables) > 3 else []
    return "; ".join([printable(brief(contents.format)), *first, *more])


def manifest_text(manifest: Any) -> str:
    """Return what the artifact is and when it was built, in a few words."""
    size, built = bytes_text(manifest.artifact.size), manifest.build.built_at or "elsewhere"
    return f"{manifest.reference[:-52]}…, {size}, built {built}; {contents_text(manifest.table)}"


def what_it_is(manifest: Any) -> str:
    """Return what people wrote of a dataset, else its kind and what it has."""
    about, tables = manifest.about, manifest.table.tables
    if about is not None and about.description:
        return " ".join(about.description.split())
    kind = manifest.artifact.kind.replace("_", " ")
    said = kind[:1].upper() + kind[1:]
    entities = dict.fromkeys(table.entity for table in tables if table.entity)
    if entities:
        said += f" of {' and '.join(entities)}"
    columns = sum(len(table.columns) for table in tables)
    return f"{said}: {counted(columns, 'variable')}" if tables else said


def manifest_html(manifest: Any) -> str:
    """Return the facts, and a table for each table, to unfold."""
    artifact, contents, about = manifest.artifact, manifest.table, manifest.about
    facts = [
        ("what it is", what_it_is(manifest)),
        ("licence", (about.licence if about else None) or "not stated"),
        ("file", f"{artifact.path}, {artifact.media_type}, {bytes_text(artifact.size)}"),
        ("built", str(manifest.build)),
        ("vintage", manifest.inputs.data_vintage or "not stated"),
        ("weight", contents.weight or "none"),
    ]
    tables = [
        html_table(
            [
                (column.name, column.type, column.entity or table.entity or "")
                for column in table.columns
            ],
            head=("column", "type", "entity"),
            caption=table_text(table),
            folded=True,
        )
        for table in contents.tables
    ]
    return "".join([html_table(facts, caption=manifest.reference), *tables])
