"""What is in a dataset's file: what was found there, with the meaning that was declared."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from pe_dvc.documents.declaration import KINDS, MICRODATA, OTHER
from pe_dvc.documents.manifest import Column, Contents, Table
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.printable import brief

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pe_dvc.documents.declaration import Declaration
    from pe_dvc.documents.table_schema import FileShape, FoundTable

UNNAMED = "table"
"""What the table is called of a format that gives it no name, and whose rows have no entity."""

_NUMERIC = re.compile(r"u?int\d+|half_?float|halffloat|float\d*|double|decimal\d+\(.*\)")
_SHOWN = 5


def kind_of(declaration: Declaration, shape: FileShape) -> str:
    """Return the kind that was declared, else the one that the file seems to be of."""
    has_tables = bool(shape.tables or shape.needs_keys or declaration.meta.entities)
    return declaration.meta.kind or (MICRODATA if has_tables else OTHER)


def describe_contents(declaration: Declaration, shape: FileShape) -> Contents:
    """Return the section ``table``: what was found, with the meaning declared.

    Raises FormatError, naming the key of dvc.yaml at fault and the remedy, where the two do not
    fit: an entity, key, reference, weight or column that the file does not have, or tables of
    microdata without entities.
    """
    _check_asked(declaration, shape)
    tables = tuple(_table(declaration, found) for found in shape.tables)
    columns = {table.entity: {c.name: c for c in table.columns} for table in tables}
    every = {column.name: column for table in tables for column in table.columns}
    _check_entities(declaration, columns, every)
    for name in declaration.meta.columns:
        _check_present(declaration, name, every, "columns", name)
    weight = declaration.meta.weight
    if weight is not None:
        _check_present(declaration, weight, every, "weight")
        _check_numeric(declaration, every[weight])
    return Contents(
        format=shape.format,
        tables=tables,
        entities=declaration.entities,
        weight=weight,
        period=shape.period,
        types_from=shape.types_from,
        members=shape.members,
    )


def notes_on(declaration: Declaration, contents: Contents) -> Iterator[str]:
    """Yield what people should know of a description that is right: what it leaves to them."""
    kind = declaration.meta.kind
    close = difflib.get_close_matches(kind or "", KINDS, n=1, cutoff=0.8)
    if kind is not None and kind not in KINDS and close:
        yield f"{declaration.where('meta.pe.kind')}: {kind!r} is a new kind; or is it {close[0]}?"
    nameless = [t.name for t in contents.tables if contents.entities and t.entity is None]
    if nameless:
        yield f"{declaration.path}: of no declared entity: {_listed(nameless)}"
    unread = [brief(repr(member.name)) for member in contents.members if member.reason is not None]
    if unread:
        yield f"{declaration.path}: named, and not described: {_listed(unread)}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"


def _check_asked(declaration: Declaration, shape: FileShape) -> None:
    """Ask for entities where there are tables of microdata, and for tables where there are none."""
    has_tables, meta = bool(shape.tables or shape.needs_keys), declaration.meta
    if has_tables and not meta.entities and kind_of(declaration, shape) == MICRODATA:
        raise FormatError(
            f"names no entity, and {declaration.path} holds tables of microdata",
            where=declaration.where("meta.pe.entities"),
            remedy="Declare at least the entity of the rows, such as person: {key: person_id}. If "
            f"it is no microdata, give it another kind, such as kind: {OTHER}.",
        )
    if meta.entities and not shape.tables:
        raise FormatError(
            f"declares entities, and no table was found in {declaration.path} ({shape.format})",
            where=declaration.where("meta.pe.entities"),
            remedy="Remove the entities, or build the file with tables.",
        )


def _table(declaration: Declaration, found: FoundTable) -> Table:
    entity = _entity_of(declaration, found)
    declared = declaration.meta.columns
    columns = tuple(
        _with_entity(column, declared.get(column.name), entity) for column in found.columns
    )
    return Table(
        name=found.name or entity or UNNAMED,
        rows=found.rows,
        entity=entity,
        columns=columns,
        periods=dict(found.periods),
    )


def _entity_of(declaration: Declaration, found: FoundTable) -> str | None:
    meta = declaration.meta
    if not meta.entities:
        return None
    if found.name is not None and meta.rows is not None:
        raise FormatError(
            f"{declaration.path} has named tables, each of its own entity",
            where=declaration.where("meta.pe.rows"),
            remedy="Leave rows out: it is for files of one table without a name.",
        )
    if found.name is None and declaration.rows is None:
        raise FormatError(
            "is missing, and there is more than one entity",
            where=declaration.where("meta.pe.rows"),
            remedy=f"Say what a row stands for: one of {', '.join(declaration.entities)}.",
        )
    entity = found.name or declaration.rows
    return entity if entity in meta.entities else None


def _with_entity(column: Column, declared: str | None, rows: str | None) -> Column:
    if declared is None or declared == rows:
        return column
    return column.model_copy(update={"entity": declared})


def _check_entities(
    declaration: Declaration,
    columns: Mapping[str | None, Mapping[str, Column]],
    every: Mapping[str, Column],
) -> None:
    for name, entity in declaration.meta.entities.items():
        # An entity without a table of its own is keyed by a column of the rows' table.
        own = columns.get(name, every)
        _check_present(declaration, entity.key, own, "entities", name, "key")
        for other, column in entity.references.items():
            _check_present(declaration, column, own, "entities", name, "references", other)


def _check_present(
    declaration: Declaration, name: str, columns: Mapping[str, Column], *keys: str
) -> None:
    if name in columns:
        return
    close = difflib.get_close_matches(name, list(columns), n=1)
    hint = f"Did you mean {close[0]}?" if close else f"Name one of its {len(columns)} columns."
    raise FormatError(
        f"{declaration.path} has no column {name!r}",
        where=declaration.where("meta.pe", *keys),
        remedy=f"{hint} Or build the file with that column.",
    )


def _check_numeric(declaration: Declaration, column: Column) -> None:
    if not _NUMERIC.fullmatch(column.type):
        raise FormatError(
            f"the weight {column.name!r} of {declaration.path} is of type {column.type}",
            where=declaration.where("meta.pe.weight"),
            remedy="Name a column of numbers, or write the weights as numbers.",
        )
