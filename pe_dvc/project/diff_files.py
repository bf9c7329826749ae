"""Files of data that a person names: described by what the other side, or the person, says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.adapters.digests import digest_file
from pe_dvc.adapters.tables.content import content_digests
from pe_dvc.adapters.tables.data_file import DataFile
from pe_dvc.adapters.tables.faults import shielded
from pe_dvc.adapters.tables.formats import format_of
from pe_dvc.documents.diff import Described
from pe_dvc.documents.manifest import Contents, Entity, Table
from pe_dvc.documents.profile_movers import figures_of
from pe_dvc.documents.table_schema import Hints
from pe_dvc.primitives.errors import FormatError
from pe_dvc.usecases.checkout.contents import UNNAMED
from pe_dvc.usecases.checkout.guess import Meaning, guesses
from pe_dvc.usecases.checkout.profile_plan import plan_profile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pe_dvc.documents.disclosure import Disclosure
    from pe_dvc.documents.movers import Figure
    from pe_dvc.documents.profile import Profile
    from pe_dvc.documents.table_schema import FileShape, FoundTable


def describe_local(
    path: Path,
    label: str,
    rule: Disclosure,
    *,
    like: Contents | None,
    name: str,
    key: str | None = None,
    weight: str | None = None,
) -> Described:
    """Return what is in a file. Its tables mean what those of ``like`` do.

    Without ``like``, ``key`` and ``weight`` are the columns of a file of one table; what is not
    given is guessed. Raises FormatError and NotFoundError.
    """
    file = DataFile(path=path, label=label, rule=rule, hints=hints_of(like))
    reader = format_of(path, name=path.name).reader()
    shape = shielded(lambda: reader.describe(file), label=label, rule=rule)
    found = digest_file(path)
    contents = _contents(shape, like or _guessed(shape, path.name, key, weight))
    digests = shielded(lambda: content_digests(file, contents), label=label, rule=rule)
    return Described(
        name=name,
        label=label,
        contents=contents.with_digests(digests),
        sha256=str(found.sha256),
        size=found.size,
        rule=rule,
    )


def figures_of_file(path: Path, described: Described) -> Mapping[Figure, float]:
    """Return the figures of a file as its profile would say them, none where it cannot be read.

    The country's rule holds for them as for a profile; of no known country that of a gated one.
    """
    from pe_dvc.adapters.tables.profile import profile_of

    contents, label, rule = described.contents, described.label, described.rule
    file = DataFile(path=path, label=label, rule=rule, hints=hints_of(contents))
    plans = plan_profile(contents)

    def ask() -> Profile:
        return profile_of(file, contents.format, plans)

    try:
        return figures_of(shielded(ask, label=label, rule=rule))
    except FormatError:
        return {}


def hints_of(like: Contents | None) -> Hints:
    """Return what a reader of the format must be told of a file like this."""
    if like is None:
        return Hints()
    columns = [column for table in like.tables for column in table.columns]
    return Hints(
        keys={name: entity.key for name, entity in like.entities.items()},
        columns={c.name: c.entity for c in columns if c.entity is not None},
        types={c.name: c.type for c in columns} if like.types_from else {},
    )


def _guessed(shape: FileShape, name: str, key: str | None, weight: str | None) -> Contents:
    """Return what the columns of a file seem to mean: its entities and weight only."""
    given = Meaning(entities={UNNAMED: key} if key else {}, weight=weight)
    try:
        meaning = next(iter(guesses(shape, given, path=name)), given)
    except FormatError:  # the columns suggest nothing: rows are not compared
        meaning = given
    entities = {
        entity: Entity(key=column, references=dict(meaning.references.get(entity, {})))
        for entity, column in meaning.entities.items()
    }
    rows = meaning.rows or next(iter(entities), None)
    table = Table(name=rows or UNNAMED, rows=0, entity=rows, columns=())
    return Contents(format=shape.format, tables=(table,), entities=entities, weight=meaning.weight)


def _contents(shape: FileShape, like: Contents) -> Contents:
    tables = tuple(_table(found, like) for found in shape.tables)
    columns = {column.name for table in tables for column in table.columns}
    return Contents(
        format=shape.format,
        tables=tables,
        entities={n: entity for n, entity in like.entities.items() if entity.key in columns},
        weight=like.weight if like.weight in columns else None,
        period=shape.period,
        types_from=shape.types_from,
        members=shape.members,
    )


def _table(found: FoundTable, like: Contents) -> Table:
    """Return a table by the name that ``like`` has for it; one without a name is its first."""
    named = {table.name: table for table in like.tables}
    first = like.tables[0] if like.tables and found.name is None else None
    meant = named.get(found.name or "", first)
    entity = meant.entity if meant else found.name if found.name in like.entities else None
    name = found.name or (meant.name if meant else UNNAMED)
    return Table(
        name=name,
        rows=found.rows,
        entity=entity,
        columns=found.columns,
        periods=dict(found.periods),
    )
